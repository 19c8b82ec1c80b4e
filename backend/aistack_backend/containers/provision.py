"""The port of what a stack is made of: networks, secrets, volumes, images, and the containers of services.

One adapter works beside ``ApiPodman`` on the same socket, one beside ``MemoryPodman`` in the same world. All calls
block and are to be run in a thread; all are safe from several threads at once, and raise ``PodmanDown``,
``NotFound`` or ``PodmanSays`` as the calls of ``port.Podman`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.models import Image, Volume
from aistack_backend.containers.stack.models import HealthDecl, MountDecl, Publish, SecretUse

Progress = Callable[[str], None]
"""Told one line at a time, from the calling thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """The container of one service, everything resolved; unlike ``models.Spec`` it may have networks and volumes.

    R4.7 holds for it in code, whatever a manifest says: never privileged, never the host's process, network or IPC
    namespace, never a bind of ``/``, ``/etc``, ``/proc``, ``/dev``, ``/sys``, a home folder or a Podman socket.
    """

    name: str
    image: str
    """Image id, never a tag."""
    labels: Mapping[str, str]
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    publish: tuple[Publish, ...] = ()
    mounts: tuple[MountDecl, ...] = ()
    networks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    health: HealthDecl | None = None
    restart: str = "no"
    memory_limit: int | None = None
    memory_reserve: int | None = None
    cpus: float | None = None
    pids_limit: int | None = None
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    no_new_privileges: bool = False
    read_only: bool = False
    init: bool = False
    stop_timeout: int = 10
    secrets: tuple[SecretUse, ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One network."""

    name: str
    id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    internal: bool = False
    created: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret; its value never comes back."""

    name: str
    id: str = ""
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInfo:
    """What Podman says of its host. The call takes up to 0.4 s: never in a refresh loop."""

    version: str
    rootless: bool
    memory_total: int
    cpus: int
    graph_root: str
    """Folder of images and volumes."""
    network_backend: str = ""
    cgroup_version: str = ""


class Provisioner(Protocol):
    """Makes and removes what services need."""

    def info(self) -> HostInfo:
        """Return what Podman says of its host."""
        ...

    def networks(self) -> tuple[Network, ...]:
        """Return all networks."""
        ...

    def create_network(self, name: str, labels: Mapping[str, str], *, internal: bool = False) -> None:
        """Make a bridge network with name resolution; nothing when one of the name exists."""
        ...

    def remove_network(self, ref: str) -> None:
        """Remove it, by name or id; nothing when it is gone, ``PodmanSays`` while a container uses it."""
        ...

    def secrets(self) -> tuple[Secret, ...]:
        """Return all secrets, without their values."""
        ...

    def create_secret(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        """Keep a secret; ``PodmanSays`` when one of the name exists."""
        ...

    def remove_secret(self, name: str) -> None:
        """Remove it; nothing when it is gone."""
        ...

    def create_volume(self, name: str, labels: Mapping[str, str]) -> Volume:
        """Make a named volume; the existing one when there is one."""
        ...

    def create_service(self, spec: ServiceSpec) -> str:
        """Create the container of a service and return its full id; nothing is started.

        Raises:
            BadInput: the specification breaks R4.7 (see ``ServiceSpec``).
        """
        ...

    def rename(self, container: str, name: str) -> None:
        """Give a container another name."""
        ...

    def pull(self, ref: str, progress: Progress, breaker: Breaker | None = None) -> Image:
        """Pull an image; ``PodmanSays`` with the registry's words when that fails, also when Podman answers 200, and
        when the breaker ended it."""
        ...

    def build(
        self,
        context: str,
        dockerfile: str,
        tag: str,
        args: Mapping[str, str],
        progress: Progress,
        breaker: Breaker | None = None,
    ) -> Image:
        """Build an image of a folder on this machine (its ``.containerignore`` is honoured); ``PodmanSays`` with the
        failing step's last lines, and when the breaker ended it."""
        ...

    def tag(self, image: str, ref: str) -> None:
        """Give an image one more name."""
        ...

    def remove_image(self, ref: str) -> None:
        """Remove an image or one of its names; ``PodmanSays`` while a container uses it."""
        ...

    def untag(self, image: str, ref: str) -> None:
        """Take one of its names from exactly this image; ``PodmanSays`` when the name is another's by now."""
        ...

    def delete_image(self, image: str) -> None:
        """Delete exactly this image, by id, and none of its unnamed parents; layers that others share stay.

        ``PodmanSays`` while a container uses it, or when it has several names."""
        ...

    def read_files(self, container: str, path: str) -> Iterator[bytes]:
        """Return a tar of a path inside a container, running or not, in blocks; links are not followed."""
        ...

    def write_files(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        """Unpack a tar at a folder inside a container, running or not."""
        ...

    def listening(self, pid: int) -> frozenset[int] | None:
        """Return the TCP ports that the network namespace of a process listens on, without any traffic
        (``/proc/PID/net/tcp`` and ``tcp6``); None when that cannot be read from here."""
        ...
