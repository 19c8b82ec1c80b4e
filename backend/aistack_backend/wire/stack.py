"""The stack: which services are declared, how each is provided now, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word
from aistack_backend.wire.sources import Source
from aistack_backend.wire.traffic import Edge


class Provision(Word):
    """How a declared service is provided now."""

    CONTAINER = "container"
    """By a container of this stack."""
    EMBEDDED = "embedded"
    """By a stand-in inside the backend; ``provided_by`` names it."""
    EXTERNAL = "external"
    """By somebody else, at a URL that the configuration names."""
    ABSENT = "absent"
    """By nothing."""
    UNKNOWN = "unknown"


class RungName(Word):
    """The rungs of the health ladder, lowest first."""

    PRESENT = "present"
    """The container exists."""
    RUNNING = "running"
    LISTENING = "listening"
    """Every declared port is bound inside, and reachable where it is published."""
    HEALTHY = "healthy"
    """Its own health command passed."""
    READY = "ready"
    """It answers what a client asks first (HTTP health route, protocol greeting)."""
    USEFUL = "useful"
    """It did a small real piece of its work (SQL round trip, vector write and read, fresh scrape …)."""
    UNKNOWN = "unknown"


class RungState(Word):
    """What the last check of a rung found."""

    PASS = "pass"  # noqa: S105  a state, not a password
    FAIL = "fail"
    WAIT = "wait"
    """Not checked yet, or a lower rung does not hold."""
    NONE = "none"
    """There is nothing to check (no health command, no port, no probe declared); never counts as passed."""
    UNKNOWN = "unknown"
    """The last check is older than three polls, or could not be made."""


class ServiceState(Word):
    """The one word for a service (DESIGN §5)."""

    OK = "ok"
    DEGRADED = "ok*"
    """Fine itself; something that it needs is not."""
    STARTING = "starting"
    BAD = "bad"
    HELD = "held"
    """An operator holds it: nothing automatic touches it."""
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rung with the time and the evidence of its last check."""

    name: RungName
    state: RungState
    at: float | None = None
    """When it was last checked, epoch seconds."""
    evidence: str = ""
    """One sentence: what was seen."""
    next_step: str = ""
    """One sentence: what to do about it; empty when it passed."""
    took: float | None = None
    """Seconds that the check took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One declared service as it is now."""

    id: str
    """``postgres``."""
    container: str
    """``local-ai-postgres``."""
    title: str
    group: str
    """``data``, ``mcp``, ``orchestration``, ``ai``, ``monitoring``, ``infrastructure``."""
    tiers: tuple[str, ...] = ()
    licence: str = ""
    image: str = ""
    image_id: str = ""
    """Of the running container; empty when there is none."""
    provision: Provision
    provided_by: str = ""
    """``SQLite file aistack.db``, ``https://…``; empty for a container."""
    container_id: str = ""
    state: ServiceState
    why: str = ""
    """One sentence for every state but OK: the lowest rung that does not hold, with its evidence."""
    since: float | None = None
    """When it was seen to enter ``state``, epoch seconds."""
    watched: bool = True
    """False: it was in ``state`` already when it was first looked at, and ``since`` is that look."""
    rungs: tuple[Rung, ...] = ()
    ports: tuple[int, ...] = ()
    """Host ports, as declared."""
    depends_on: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    root_cause: str = ""
    """Id of the service whose fault this one's is; empty when it has none, or the fault is its own."""
    symptoms: tuple[str, ...] = ()
    """Ids of the services that are BAD or DEGRADED because of this one."""
    held: bool = False
    stopped_by_operator: bool = False
    heal: str = ""
    """What self-heal does or waits for: ``restarts 2 of 5 in 10 min, next try in 40 s``, ``given up``; empty = idle."""
    drift: str = ""
    """How the container differs from the manifest; empty = not."""
    update: str = ""
    """``available``, ``none``, or empty = not looked."""
    changed: str = ""
    """What of its container was new when it went bad, against the last run that was well: ``image a1b2 → c3d4 at
    09:38``, ``configuration at …``, ``made anew at …``, ``restarted at …``; empty = nothing in the hour before."""
    memory_reserve: int | None = None
    memory_limit: int | None = None
    keeps_data: bool = False
    """It has data that a backup copies."""
    last_backup: float | None = None
    """When the newest backup that holds its data was taken."""
    certificate_until: float | None = None
    """Until when the certificate holds that it shows over TLS; None = it shows none of ours, or was not seen."""
    certificate_serial: str = ""
    certificate_at: float | None = None
    """When that was last measured."""
    backup_verified: float | None = None
    """When that backup was restored aside and held; None = not, or it did not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """All declared services at one moment, in the manifest's order."""

    at: float | None
    """When the newest of the checks was made; None = never."""
    source: Source
    """``stack``: FAILED when the manifest cannot be read, with file, line and key in ``detail``."""
    file: str = ""
    """The manifest that is used."""
    tiers: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    hold: bool = False
    """Maintenance: nothing automatic happens at all."""
    poll: float = 30.0
    """Seconds between two passes; a check older than three of them is UNKNOWN."""
    backups: int | None = None
    """Whole backups on the shelf; None = not looked."""
    last_backup: float | None = None
    """When the newest of them was taken."""
    backup_verified: float | None = None
    """When the newest was restored aside and held; None = not, or it did not hold."""
    edges: tuple[Edge, ...] = ()
    """What was measured between services: every declared pair, and those that were seen beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """Ask for the ladder to be climbed now."""

    services: tuple[str, ...] = ()
    """Ids; none = all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRequest:
    """Ask for another manifest."""

    file: str = ""
    """Absolute path of a Compose file; several with ``:`` between them; empty = our own."""
