"""Containers as measured through Podman."""

from __future__ import annotations

from dataclasses import dataclass, field

from aistack_backend.wire.base import Word
from aistack_backend.wire.sources import Source


class ContainerState(Word):
    """Podman's own state of a container."""

    CREATED = "created"
    CONFIGURED = "configured"
    INITIALIZED = "initialized"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"
    """Podman takes it for running, but its process is gone: it was killed together with its monitor."""
    UNKNOWN = "unknown"


class Health(Word):
    """Result of the container's own health command."""

    NONE = "none"
    """No health command is defined."""
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Verb(Word):
    """What can be done to a container."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    REMOVE = "remove"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A published port."""

    host_ip: str
    host_port: int
    container_port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One row of the fleet, from Podman's list call (no inspect)."""

    id: str
    """Full 64-digit id: every action is bound to it, never to the name."""
    name: str
    image: str
    image_id: str = ""
    state: ContainerState
    health: Health = Health.NONE
    created_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    """When it last stopped; None while it runs or when it never ran."""
    exit_code: int | None = None
    """Of the last run; None while it runs."""
    restarts: int | None = None
    pid: int | None = None
    command: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    networks: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    managed: bool = False
    """Carries the label ``io.aistack.managed``: only these change without dual control (R4.7)."""
    host: str = ""
    """The name of the machine that it is on, as ``[hosts.NAME]`` says; empty = this machine."""

    @property
    def full_name(self) -> str:
        """The name that a person types: ``host/name``, or the plain name of one of this machine."""
        return f"{self.host}/{self.name}" if self.host else self.name

    @property
    def ref(self) -> str:
        """What names it alone among the containers of all machines: ``host/id``, or its plain id."""
        return f"{self.host}/{self.id}" if self.host else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resources of one container over the last sampling interval."""

    id: str
    """The container's ``ref``."""
    at: float
    cpu_percent: float | None = None
    """Percent of one core; None until two samples were seen."""
    memory: int | None = None
    memory_limit: int | None = None
    net_in: int | None = None
    net_out: int | None = None
    block_in: int | None = None
    block_out: int | None = None
    pids: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHost:
    """Another machine whose Podman is read through an ssh tunnel of ours."""

    name: str
    address: str
    """``ssh://user@host:port/path/of/its.sock``."""
    at: float | None
    """When its list was last measured; None = never."""
    source: Source
    """How tunnel and Podman there are doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All containers at one moment: this machine's, sorted by name, then those of each other host."""

    at: float | None
    """When this machine's list was last measured; None = never."""
    source: Source
    """This machine's Podman; ``source_of`` tells of the others."""
    containers: tuple[Container, ...] = ()
    hosts: tuple[RemoteHost, ...] = ()
    """Other machines, as they are configured; none is the usual case."""

    def source_of(self, host: str) -> Source:
        """Return the source that the containers of a host come from ("" = this machine)."""
        return next((one.source for one in self.hosts if one.name == host), self.source)

    @property
    def local(self) -> tuple[Container, ...]:
        """The containers of this machine."""
        return tuple(one for one in self.containers if not one.host) if self.hosts else self.containers


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTable:
    """Usage of every running container, one sampling step."""

    at: float
    rows: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One environment variable; values that look secret, and by default all others too, are masked."""

    name: str
    value: str
    masked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One run of the health command."""

    at: float | None
    exit_code: int | None
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDetail:
    """One container in full: Podman's inspect, with secrets removed before it crosses the socket."""

    container: Container
    measured_at: float
    env: tuple[EnvVar, ...] = ()
    health_command: tuple[str, ...] = ()
    health_log: tuple[HealthCheck, ...] = ()
    failing_streak: int | None = None
    restart_policy: str = ""
    oom_killed: bool | None = None
    exit_reason: str = ""
    """The exit code in words, e.g. ``killed by signal 9``; empty while it runs."""
    inspect_json: str = ""
    """Podman's inspect document, indented, environment values and secrets masked."""


class LogStream(Word):
    """Where a log line was written."""

    STDOUT = "stdout"
    STDERR = "stderr"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a container's log."""

    at: float | None
    """Podman's stamp; whole seconds only with the k8s-file and journald drivers. None = it had none."""
    stream: LogStream
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """Lines that arrived together; the unit of the log stream (one JSON object a line)."""

    id: str
    """The container's ``ref``."""
    lines: tuple[LogLine, ...] = ()
    dropped: int = 0
    """Lines the backend had to drop before these because the reader was slow: always shown."""
    ended: bool = False
    """The container stopped; the follower waits for its next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Something that happened, for the event feed."""

    at: float
    who: str
    """``podman``, ``operator``, ``agent``, ``backend``."""
    text: str
    object_id: str = ""
    """Of a container: its ``ref``."""
    object_name: str = ""
    action: str = ""
    """Podman's action word (``start``, ``died`` …) or our own kind."""
