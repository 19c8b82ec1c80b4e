"""Traces: what was done for one request or task, across processes, as spans with their measured times."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One thing that was done. Attributes are numbers and names; what was asked or answered is in none."""

    id: str
    """16 hex digits."""
    parent_id: str = ""
    """Of the span that it belongs below; empty = none. It may be the caller's own, which nobody keeps."""
    service: str
    """Which process: ``backend``, or a worker's name."""
    name: str
    start: float
    """Epoch seconds."""
    seconds: float | None = None
    """How long it took; None = it still goes on."""
    failed: bool = False
    detail: str = ""
    """How it failed, in a word."""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace: its spans by their beginning, those that still go on included."""

    id: str
    """32 hex digits."""
    tasks: tuple[int, ...] = ()
    """The tasks that it belongs to, the first one first."""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One trace in the list."""

    id: str
    task_id: int | None = None
    """The first task that it belongs to; None = it belongs to none."""
    name: str
    """Of its first span."""
    start: float
    seconds: float
    """From its first beginning to its last end so far."""
    spans: int
    failed: int
    """How many of them failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How the sending of spans elsewhere goes."""

    url: str
    sent: int = 0
    """Spans that were taken."""
    lost: int = 0
    """Spans that could not be sent: they are kept here alone."""
    last_at: float | None = None
    """When some were taken last."""
    fault: str = ""
    """Why the last ones were not taken; empty = they were, or none was sent yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceList:
    """The newest traces, newest first."""

    kept: bool
    """Whether spans are recorded now."""
    traces: tuple[TraceRow, ...] = ()
    sending: Sending | None = None
    """None = they are sent nowhere."""
