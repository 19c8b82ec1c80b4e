"""A service's program aside: its image, command, secrets and configuration, on other volumes, for a while."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from aistack_backend.containers.backup.carrier import LABELS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner, ServiceSpec
from aistack_backend.containers.stack.models import MountDecl, Publish, ServiceDecl

PREFIX = "aistack-aside-"
GRACE = 30
"""Seconds that a program gets to leave its data in order."""
SCRATCH = 1 << 30
"""Bytes of the tmpfs that stands in for a volume which nobody named."""


class Stand:
    """Runs services aside; everything it made is gone when its block ends."""

    def __init__(self, podman: Podman, provisioner: Provisioner, image: Callable[[ServiceDecl], str]) -> None:
        """``image`` gives the id of the image that a service is to run."""
        self._podman = podman
        self._provisioner = provisioner
        self._image = image

    @contextmanager
    def running(
        self, decl: ServiceDecl, volumes: Mapping[str, str], port: int = 0, *, gently: bool = False
    ) -> Iterator[str]:
        """Give the id of a started container of the service. ``volumes``: which one stands in for which; its other
        volumes are empty and kept in memory. ``port`` of the container is reachable on any free port of loopback.
        ``gently``: it is stopped in its own time at the end, because its volumes will be used on.
        """
        box = self._provisioner.create_service(self._spec(decl, volumes, port))
        try:
            self._podman.start(box)
            yield box
            if gently:
                self._podman.stop(box, max(int(decl.stop_grace), GRACE))
        finally:
            self._podman.remove(box, force=True)

    @contextmanager
    def volume(self) -> Iterator[str]:
        """Give the name of a new, empty volume."""
        name = f"{PREFIX}{uuid.uuid4().hex[:10]}"
        self._provisioner.create_volume(name, LABELS)
        try:
            yield name
        finally:
            self._podman.remove_volume(name)

    def _spec(self, decl: ServiceDecl, volumes: Mapping[str, str], port: int) -> ServiceSpec:
        return ServiceSpec(
            name=f"{PREFIX}{decl.id}-{uuid.uuid4().hex[:8]}",
            image=self._image(decl),
            labels=LABELS,
            command=decl.command,
            entrypoint=decl.entrypoint,
            environment=decl.environment,
            user=decl.user,
            working_dir=decl.working_dir,
            hostname=decl.hostname,
            publish=(Publish(container_port=port, host_port=0),) if port else (),
            mounts=tuple(_moved(mount, volumes) for mount in decl.mounts),
            memory_limit=decl.memory_limit,
            pids_limit=decl.pids_limit,
            cap_drop=decl.cap_drop,
            cap_add=decl.cap_add,
            no_new_privileges=decl.no_new_privileges,
            read_only=decl.read_only,
            init=decl.init,
            stop_timeout=0,
            secrets=decl.secrets,
        )


def _moved(mount: MountDecl, volumes: Mapping[str, str]) -> MountDecl:
    if mount.type != "volume":
        return mount
    if mount.source in volumes:
        return replace(mount, source=volumes[mount.source])
    return MountDecl(type="tmpfs", target=mount.target, size=SCRATCH)
