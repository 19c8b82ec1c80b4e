"""Bringing services up and down: the plan before, the boot while and after."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class Stage(Word):
    """How far a service has come in a boot."""

    WAITING = "waiting"
    PULLED = "pulled"
    CREATED = "created"
    RUNNING = "running"
    LISTENING = "listening"
    HEALTHY = "healthy"
    READY = "ready"
    UNCHANGED = "unchanged"
    """It ran already, as declared, and is ready."""
    STOPPED = "stopped"
    """For a down: it is stopped, or removed."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class StepKind(Word):
    """What a plan does to one object."""

    CREATE = "create"
    RECREATE = "recreate"
    """It exists and differs from what is declared; ``why`` names the difference."""
    START = "start"
    KEEP = "keep"
    """It runs as declared."""
    STOP = "stop"
    REMOVE = "remove"
    UNKNOWN = "unknown"


class BootState(Word):
    """How a boot (an up or a down) is doing."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """At least one service did not get ready; the others stay as they are."""
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """When a service reached a stage."""

    stage: Stage
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BootRow:
    """One service in a boot."""

    service: str
    step: StepKind
    stage: Stage
    waits_for: tuple[str, ...] = ()
    """Services that must get ready first, and have not."""
    marks: tuple[Mark, ...] = ()
    expected: float | None = None
    """Seconds from its start to ready in past boots (median); None = never booted here."""
    detail: str = ""
    """What is waited for now, or why it failed."""
    log_tail: tuple[str, ...] = ()
    """Its last log lines, when it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One up, down or update, live and afterwards."""

    id: int
    """The number of its task."""
    verb: str
    """``up``, ``down``, ``update``, ``rollback``, ``restore``."""
    goal: str
    """What was asked: a tier, or service ids."""
    state: BootState
    began_at: float
    ended_at: float | None = None
    rows: tuple[BootRow, ...] = ()
    slowest: tuple[str, ...] = ()
    """Service ids along the slowest path so far, first to last."""
    eta: float | None = None
    """When it is expected to end, by past boots; None = cannot be told."""
    detail: str = ""
    """One sentence at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootList:
    """The newest boots, newest first."""

    boots: tuple[Boot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One step of a plan."""

    kind: StepKind
    object: str
    """``service``, ``network``, ``volume``, ``secret``, ``image``."""
    name: str
    why: str = ""
    after: tuple[str, ...] = ()
    """Service ids that must be ready before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an up or down would do now; computed, nothing done."""

    verb: str
    goal: str
    steps: tuple[PlanStep, ...] = ()
    problems: tuple[str, ...] = ()
    """What would make it fail: an image that is not here and cannot be pulled, a port in use and by whom."""
    memory_reserved: int = 0
    """Bytes that the services in the goal are expected to use."""
    memory_available: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Ask for a plan."""

    verb: str = "up"
    """``up`` or ``down``."""
    goal: str = ""
    """A tier, or service ids separated by spaces; empty = everything."""
