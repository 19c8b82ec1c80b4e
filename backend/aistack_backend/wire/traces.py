"""Traces: what was done for one request or task, across processes, as spans with their measured times."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """A span of another trace that belongs to the same matter, e.g. the request by which a person decided."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One thing that was done. Attributes are numbers and names; what was asked or answered is in none."""

    id: str
    """16 hex digits."""
    parent_id: str = ""
    """Of the span that it belongs below; empty = none. It may be the caller's own, which nobody told."""
    service: str
    """Which process: ``backend``, ``console``, or a worker's name."""
    name: str
    start: float
    """Epoch seconds."""
    seconds: float | None = None
    """How long it took; None = it still goes on."""
    failed: bool = False
    detail: str = ""
    """How it failed, in a word."""
    attributes: dict[str, str] = field(default_factory=dict)
    links: tuple[SpanLink, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A span of another trace that a span of this one is linked with, or what that one stands below."""

    trace_id: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace: its spans by their beginning, those that still go on included."""

    id: str
    """32 hex digits."""
    tasks: tuple[int, ...] = ()
    """The tasks that it belongs to, the first one first."""
    spans: tuple[Span, ...] = ()
    linked: tuple[Linked, ...] = ()
    """What its spans' links lead to, as far as it is kept, by beginnings."""


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
    waiting: int = 0
    """Spans that were not taken and go with the next ones."""
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
    console_lost: int = 0
    """Spans that consoles measured and could not tell, since the backend began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSpan:
    """What a console measured of one call: from the key or the verb to the confirmed answer."""

    trace_id: str
    """32 hex digits, as its ``traceparent`` said."""
    id: str
    """16 hex digits, as its ``traceparent`` said."""
    name: str
    """The key's action or the verb, e.g. ``tasks.stop``: letters, digits and ``. _ -``; never what was typed."""
    start: float
    """Epoch seconds."""
    seconds: float
    failed: bool = False
    detail: str = ""
    """How it failed, in a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanReport:
    """What a console measured since its last report."""

    spans: tuple[ConsoleSpan, ...] = ()
    lost: int = 0
    """How many more it measured and gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpansTaken:
    """How many of a report's spans are recorded; those that were told before are not, nor any while nothing is."""

    taken: int
