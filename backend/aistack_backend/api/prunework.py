"""The wiring of what can be removed: the three stocks, and what the stack would miss of them."""

from __future__ import annotations

from aistack_backend.containers import sandbox_image
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.prune.claims import claims
from aistack_backend.containers.prune.models import Claims, Stock
from aistack_backend.containers.prune.stocks import Images, Networks, Volumes
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.errors import BackendError
from aistack_backend.settings import Settings


def stocks(
    settings: Settings, podman: Podman, provisioner: Provisioner, source: ManifestSource, history: History
) -> tuple[Stock, ...]:
    """Wire them; nothing is read or asked yet."""
    sandbox = sandbox_image.names(settings.config.podman.sandbox_image)

    def claimed() -> Claims:
        try:
            manifest = source.get()
        except BackendError:  # then nothing is known to be declared; what it made carries its label
            manifest = None
        return claims(manifest, history.good(), sandbox)

    return Images(podman, provisioner, claimed), Volumes(podman, claimed), Networks(podman, provisioner, claimed)
