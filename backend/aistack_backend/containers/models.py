"""What the port of Podman speaks: frozen, and free of Podman's JSON, but for ``Inspected.document``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aistack_backend.wire.containers import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount of a container; ``name`` is the volume's, empty for a bind."""

    type: str
    name: str
    source: str
    destination: str
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One container in full, as Podman's inspect told it."""

    container: Container
    started: str
    """Podman's StartedAt, to the nanosecond, verbatim: names one run of the container."""
    finished: str = ""
    """Podman's FinishedAt, verbatim: the end of the last run that ended, if any."""
    mounts: tuple[Mount, ...] = ()
    dependencies: tuple[str, ...] = ()
    """Full ids of the containers that this one needs."""
    stop_timeout: int = 10
    """Seconds that a stop waits before it kills."""
    oom_killed: bool = False
    size_rw: int | None = None
    """Bytes of the container's own layer; None unless it was asked for."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """Podman's whole inspect document, secrets included: it never crosses the socket as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One named volume."""

    name: str
    driver: str
    mountpoint: str
    created: str
    """Podman's CreatedAt, verbatim: tells a volume from a later one of the same name."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image; ``id`` is the digest of its configuration, 64 digits."""

    id: str
    tags: tuple[str, ...] = ()
    size: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    """What its author wrote; a container inherits them."""
    created: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that Podman did."""

    nanos: int
    """Epoch nanoseconds."""
    type: str
    """``container``, ``volume``, ``image``, ``pod``, ``network`` …"""
    action: str
    id: str
    name: str
    health: str = ""
    """For ``health_status``: its result."""
    exit_code: int | None = None
    """For ``died``."""

    @property
    def at(self) -> float:
        """Epoch seconds."""
        return self.nanos / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """What a command inside a container gave; 127 = no such command."""

    exit_code: int
    out: bytes
    err: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """The processes of a container: titles, and one row each."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A folder of this machine in a container; always ``nosuid`` and ``nodev``."""

    source: str
    destination: str
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A locked-down container for one command; the only kind that we create (R4.7, R4.8)."""

    name: str
    image: str
    """Image id, never a tag."""
    command: tuple[str, ...]
    labels: Mapping[str, str]
    user: str = "65534:65534"
    cwd: str = "/tmp"  # noqa: S108  the container's own
    env: tuple[tuple[str, str], ...] = ()
    memory: int = 1 << 30
    cpus: float = 2.0
    pids: int = 256
    nofile: int = 1024
    nproc: int = 1024
    tmp_size: int = 64 << 20
    log_size: int = 10 << 20
    stop_timeout: int = 5
    deadline: int = 600
    """Seconds after which Podman itself kills it, whether we live or not."""
    binds: tuple[Bind, ...] = ()
    fsize: int = 0
    """Most bytes of one file that it may write; 0 = no such limit."""
