"""The certificate as Podman's secret: the old one is kept under a name of its own until the new one is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aistack_backend.containers.certificate.x509 import NoCertificate, of_pem
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack.models import Manifest, SecretDecl, ServiceDecl
from aistack_backend.containers.stack.spec import labels
from aistack_backend.errors import Conflict, NotFound

BEFORE = "-before-renewal"
"""End of the name under which the old certificate is kept meanwhile."""
Read = Callable[[Sequence[str]], Mapping[str, bytes]]


class Keep:
    """Changes one secret so that, whenever it is cut off, the old value is still kept under one of two names."""

    def __init__(self, podman: Podman, provisioner: Provisioner, read: Read) -> None:
        """``read`` gives the values of secrets, which Podman gives to containers only (``Carrier.secrets``)."""
        self._podman = podman
        self._provisioner = provisioner
        self._read = read

    def image_of(self, decl: ServiceDecl) -> str:
        """Return the image id of a service's container."""
        found = next((one for one in self._podman.list() if one.name == decl.container), None)
        if found is None:
            raise NotFound(f"{decl.id} has no container.")
        return found.image_id

    def replace(self, manifest: Manifest, kept: SecretDecl, new: bytes, serial: str) -> None:
        """Keep the old value beside, then the new one under the secret's own name.

        Raises:
            Conflict: the kept value is not the certificate of that serial. BackendError: Podman refused.
        """
        old = self._value(kept.name)
        try:
            found = of_pem(old).serial
        except NoCertificate as error:
            raise Conflict(f"The secret {kept.name} holds no certificate: {error}") from error
        if found != serial:
            raise Conflict(
                f"The secret {kept.name} is not the certificate that is shown.", "Make the container anew first."
            )
        self._provisioner.create_secret(kept.name + BEFORE, old, labels(manifest))
        self._put(manifest, kept.name, new)

    def unfinished(self, kept: SecretDecl) -> bool:
        """Whether an old value is still kept beside."""
        return kept.name + BEFORE in {one.name for one in self._provisioner.secrets()}

    def before(self, kept: SecretDecl) -> bytes:
        """Return the old value."""
        return self._value(kept.name + BEFORE)

    def put_back(self, manifest: Manifest, kept: SecretDecl, old: bytes) -> None:
        """Keep the old value under the secret's own name again."""
        self._put(manifest, kept.name, old)

    def forget(self, kept: SecretDecl) -> None:
        """Let the value that was kept beside go."""
        self._provisioner.remove_secret(kept.name + BEFORE)

    def _put(self, manifest: Manifest, name: str, value: bytes) -> None:
        self._provisioner.remove_secret(name)
        self._provisioner.create_secret(name, value, labels(manifest))

    def _value(self, name: str) -> bytes:
        return self._read([name])[name]
