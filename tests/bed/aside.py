"""Services of our own manifest under names that nobody else has, for tests that must not take the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.bed.stack_images import variables

from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.stack.source import bundled
from aistack_backend.containers.stack.spec import spec


class Aside:
    """Some of the twenty, each renamed with its volumes and secrets; ``close`` removes whatever carries the prefix."""

    def __init__(self, socket: str, prefix: str, *services: str) -> None:
        self.prefix = prefix
        self.podman: Podman = ApiPodman(f"unix://{socket}", {})
        self.provisioner: Provisioner = ApiProvisioner(self.podman)  # type: ignore[arg-type]
        whole = load([bundled()], variables())
        self.manifest = replace(
            whole,
            project=prefix,
            services={key: self._renamed(whole.services[key]) for key in services},
            volumes={key: replace(one, name=self._name(one.name)) for key, one in whole.volumes.items()},
            secrets=self._secrets(whole, services),
        )

    def start(self, *services: str) -> None:
        """Make secrets and volumes, and start the containers of these services."""
        for secret in self.manifest.secrets.values():
            if secret.name not in {one.name for one in self.provisioner.secrets()}:
                self.provisioner.create_secret(secret.name, f"value-of-{secret.key}".encode(), {})
        for key in services or tuple(self.manifest.services):
            decl = self.manifest.services[key]
            for mount in decl.mounts:
                if mount.type == "volume":
                    self.provisioner.create_volume(mount.source, {"bed": self.prefix})
            image = self.podman.image(decl.image).id
            self.podman.start(self.provisioner.create_service(spec(self.manifest, decl, image)))

    def run(self, service: str, *command: str) -> str:
        """Run a command in a service's container; what it printed."""
        done = self.podman.exec(self.manifest.services[service].container, command, 60)
        assert done.exit_code == 0, done
        return done.out.decode()

    def wipe(self) -> None:
        """Remove containers, volumes and secrets of the prefix."""
        for row in self.podman.list():
            if row.name.startswith(self.prefix):
                self.podman.remove(row.id, force=True)
        for volume in self.podman.volumes():
            if volume.name.startswith(self.prefix):
                self.podman.remove_volume(volume.name)
        for secret in self.provisioner.secrets():
            if secret.name.startswith(self.prefix):
                self.provisioner.remove_secret(secret.name)

    def close(self) -> None:
        """Remove everything."""
        self.wipe()
        self.podman.close()

    def _name(self, name: str) -> str:
        return self.prefix + name

    def _renamed(self, decl: ServiceDecl) -> ServiceDecl:
        mounts = tuple(
            replace(one, source=self._name(one.source)) if one.type == "volume" else one for one in decl.mounts
        )
        secrets = tuple(replace(one, source=self._name(one.source)) for one in decl.secrets)
        extra = replace(decl.extra, data_volumes=tuple(self._name(name) for name in decl.extra.data_volumes))
        return replace(
            decl,
            container=self._name(decl.container),
            mounts=mounts,
            secrets=secrets,
            publish=tuple(replace(one, host_port=0) for one in decl.publish),
            networks=(),
            needs=(),
            extra=extra,
        )

    def _secrets(self, whole: Manifest, services: Sequence[str]) -> dict[str, object]:
        used = {one.source for key in services for one in whole.services[key].secrets}
        return {key: replace(one, name=self._name(one.name)) for key, one in whole.secrets.items() if one.name in used}
