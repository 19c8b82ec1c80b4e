"""A Compose file as it is understood: every value resolved, every unit a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Condition(StrEnum):
    """What a dependency must have reached."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    """We hold it to our own ladder: ready."""
    COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """One dependency of a service."""

    service: str
    condition: Condition = Condition.STARTED
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """One published port; ``host_port`` 0 = any free one."""

    container_port: int
    host_port: int
    host_ip: str = "127.0.0.1"
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountDecl:
    """One mount: ``type`` is ``volume``, ``bind`` or ``tmpfs``; ``source`` a volume's full name or an absolute path."""

    type: str
    target: str
    source: str = ""
    read_only: bool = False
    size: int | None = None
    """Bytes of a tmpfs."""
    relabel: str = ""
    """Where SELinux is: ``z`` = give the source a label that all containers may read, ``Z`` = this one alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthDecl:
    """A health command; times in seconds."""

    command: tuple[str, ...]
    """Without ``CMD``; a shell string is ``("sh", "-c", text)``."""
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """One secret as a file in a container."""

    source: str
    """The Podman secret's full name."""
    target: str
    """Absolute path in the container."""
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeDecl:
    """One probe of the ladder, as data; ``kind`` chooses the code, ``options`` are its own keys, checked at load."""

    rung: str
    """``ready`` or ``useful``."""
    kind: str
    """``http``, ``tcp``, ``exec``, ``sql``, ``redis``, ``qdrant``, ``scrape`` … (``ladder.probes.registry``)."""
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealDecl:
    """How self-heal may treat a service."""

    restart: bool = True
    first_wait: float = 10.0
    longest_wait: float = 300.0
    give_up_after: int = 5
    """Restarts within ``window`` seconds."""
    window: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """The ``x-aistack`` block of a service."""

    title: str = ""
    group: str = "other"
    tiers: tuple[str, ...] = ()
    licence: str = ""
    digest: str = ""
    """``sha256:…`` that the image must have; empty = the one of the first pull is remembered and held to."""
    role: str = ""
    """Our own role that this container runs (``aistack-backend serve --role``); empty = a foreign program."""
    embedded: str = ""
    """What stands in for it inside the backend; empty = nothing does."""
    memory_expected: int | None = None
    ready_seconds: float | None = None
    """Expected time to ready before any boot was measured here."""
    data_volumes: tuple[str, ...] = ()
    """Volumes whose data must never go without the typed name."""
    backup: str = ""
    """``pg_dump``, ``qdrant``, ``files``, ``none``."""
    probes: tuple[ProbeDecl, ...] = ()
    heal: HealDecl = field(default_factory=HealDecl)
    later: str = ""
    """What of it comes with a later issue, for a person to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an image is built here."""

    context: str
    """Absolute path."""
    dockerfile: str
    """Absolute path."""
    args: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDecl:
    """One service of the manifest."""

    id: str
    container: str
    image: str
    build: Build | None = None
    command: tuple[str, ...] = ()
    """Empty = the image's."""
    entrypoint: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    publish: tuple[Publish, ...] = ()
    expose: tuple[int, ...] = ()
    """Container ports that it must listen on, published or not."""
    mounts: tuple[MountDecl, ...] = ()
    networks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Full network names with the aliases of the service in each."""
    needs: tuple[Needs, ...] = ()
    health: HealthDecl | None = None
    restart: str = "no"
    memory_limit: int | None = None
    memory_reserve: int | None = None
    cpus_limit: float | None = None
    cpus_reserve: float | None = None
    pids_limit: int | None = None
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    no_new_privileges: bool = False
    read_only: bool = False
    init: bool = False
    stop_grace: float = 10.0
    labels: tuple[tuple[str, str], ...] = ()
    secrets: tuple[SecretUse, ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()
    extra: Extra = field(default_factory=Extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeDecl:
    """One named volume; ``external`` ones are never made and never removed."""

    name: str
    external: bool = False
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDecl:
    """One network."""

    name: str
    external: bool = False
    internal: bool = False
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDecl:
    """One secret: generated once, or read from ``file``, or ``external`` (it must exist in Podman)."""

    name: str
    """Full name in Podman."""
    key: str
    """Its name in the manifest."""
    file: str = ""
    external: bool = False
    generate: str = ""
    """``password`` (32 characters), ``certificate``, ``key`` … ; empty = not generated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole file, checked: every reference resolves, no dependency circle, no port twice."""

    files: tuple[str, ...]
    """Absolute paths, in the order in which they were merged."""
    project: str
    services: Mapping[str, ServiceDecl] = field(default_factory=dict)
    """By id, in the file's order."""
    volumes: Mapping[str, VolumeDecl] = field(default_factory=dict)
    networks: Mapping[str, NetworkDecl] = field(default_factory=dict)
    secrets: Mapping[str, SecretDecl] = field(default_factory=dict)
    tiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Service ids of each tier, dependencies included, in the file's order."""
