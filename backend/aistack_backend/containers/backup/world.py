"""What taking, rehearsing and restoring a backup stand on, wired once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aistack_backend.containers import sandbox_image
from aistack_backend.containers.backup.carrier import Carrier
from aistack_backend.containers.backup.methods import Method
from aistack_backend.containers.backup.postgres import PostgresDump
from aistack_backend.containers.backup.qdrant import QdrantSnapshots
from aistack_backend.containers.backup.stand import Stand
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.wire.containers import Container

Say = Callable[[str], None]
"""Told one line at a time of what is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupWorld:
    """Podman, and the ways to copy data in and out of it."""

    podman: Podman
    provisioner: Provisioner
    carrier: Carrier
    stand: Stand
    methods: Mapping[str, Method]

    def container(self, decl: ServiceDecl) -> Container | None:
        """Return the container of a service, running or not."""
        return next((row for row in self.podman.list() if row.name == decl.container), None)

    def volumes(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return those of the volumes that exist."""
        there = {volume.name for volume in self.podman.volumes()}
        return tuple(name for name in wanted if name in there)


def world(podman: Podman, provisioner: Provisioner, sandbox: str = "") -> BackupWorld:
    """Wire it up; ``sandbox`` is the configured image with busybox, empty = the usual ones."""
    carrier = Carrier(podman, provisioner, lambda: sandbox_image.ensure(podman, sandbox).id)
    stand = Stand(podman, provisioner, lambda decl: podman.image(decl.image).id)
    methods: tuple[Method, ...] = (PostgresDump(podman, provisioner), QdrantSnapshots(podman))
    return BackupWorld(
        podman=podman,
        provisioner=provisioner,
        carrier=carrier,
        stand=stand,
        methods={method.kind: method for method in methods},
    )
