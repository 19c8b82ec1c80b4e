"""Traces in words: the list, and one trace as a waterfall. A span that still goes on has no end, and says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aistack_backend.wire.traces import Linked, Span, Trace, TraceList, TraceRow
from aistack_console.present.units import UNMEASURED, clock, day_clock, many, span

TITLES = ("TASK", "WHEN", "TOOK", "SPANS", "FAILED", "WHAT", "TRACE")
GOES_ON = "goes on"


def row(one: TraceRow, now: float) -> tuple[str, ...]:
    """Return one trace as a line of the list."""
    return (
        UNMEASURED if one.task_id is None else str(one.task_id),
        day_clock(one.start, now),
        took(one.seconds),
        str(one.spans),
        str(one.failed) if one.failed else "",
        one.name,
        one.id,
    )


def took(seconds: float | None) -> str:
    """Return a measured time with three digits: ``0.42ms``, ``12ms``, ``1.24s``, ``6m12``; ``-`` before is earlier."""
    if seconds is None:
        return UNMEASURED
    if seconds < 0:
        return f"-{took(-seconds)}"
    if seconds < 0.01:
        return f"{seconds * 1000:.2f}ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    return f"{seconds:.2f}s" if seconds < 60 else span(seconds)


def nothing(found: TraceList) -> str:
    """Return why the list is empty."""
    if found.kept:
        return "No trace is kept yet; each request that changes something begins one."
    return "Traces are not kept (traces.keep = false)."


def sending(found: TraceList, now: float) -> str:
    """Return how the sending goes and what consoles could not tell, "" when nothing is sent and nothing was lost."""
    lost = found.console_lost
    consoles = f"{lost} of consoles' own spans were lost." if lost else ""
    told = found.sending
    if told is None:
        return consoles
    parts = [f"Sent to {told.url}: {told.sent} spans"]
    if told.last_at is not None:
        parts.append(f"last {day_clock(told.last_at, now)}")
    if told.lost:
        parts.append(f"{told.lost} lost")
    return f"{', '.join(parts)}.{f' {told.fault}' if told.fault else ''} {consoles}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """One span in its place of the waterfall."""

    span: Span
    depth: int
    offset: float
    """Seconds after the trace's beginning."""
    orphan: bool = False
    """What it belongs below is not kept: it was the asker's own, or is gone."""
    trace_id: str = ""
    """Of the other trace that a link led to; empty = it is one of this trace."""


def laid(trace: Trace) -> tuple[Laid, ...]:
    """Return the spans as a tree, each level by its beginning; what a span is linked with stands below it."""
    known = {one.id for one in trace.spans}
    begin = min((one.start for one in trace.spans), default=0.0)
    below: dict[str, list[Span]] = {}
    for one in sorted(trace.spans, key=lambda each: each.start):
        below.setdefault(one.parent_id if one.parent_id in known and one.parent_id != one.id else "", []).append(one)
    others = {(one.trace_id, one.span.id): one for one in trace.linked}
    seen: set[str] = set()
    return tuple(each for one in _walk(below, "", 0, begin, seen) for each in (one, *_across(others, one, begin)))


def _walk(below: dict[str, list[Span]], parent: str, depth: int, begin: float, seen: set[str]) -> Iterator[Laid]:
    for one in below.get(parent, ()):
        if one.id not in seen:
            seen.add(one.id)
            yield Laid(span=one, depth=depth, offset=one.start - begin, orphan=not parent and bool(one.parent_id))
            yield from _walk(below, one.id, depth + 1, begin, seen)


def _across(others: dict[tuple[str, str], Linked], one: Laid, begin: float) -> Iterator[Laid]:
    """Yield what a span's links lead to, each below what it stands below in its own trace."""
    for to in one.span.links:
        depth = one.depth + 1
        found = others.get((to.trace_id, to.span_id))
        above = found and others.get((to.trace_id, found.span.parent_id))
        for end in (above, found):
            if end is not None:
                offset = end.span.start - begin
                yield Laid(span=end.span, depth=depth, offset=offset, trace_id=to.trace_id)
                depth += 1


def length(trace: Trace, now: float) -> float:
    """Return the seconds from its first beginning to its last end, or to now while something goes on."""
    begin = min((one.start for one in trace.spans), default=0.0)
    return max((_end(one, now) - begin for one in trace.spans), default=0.0)


def _end(one: Span, now: float) -> float:
    return max(one.start, now) if one.seconds is None else one.start + one.seconds


def bar(one: Laid, whole: float, now: float, width: int) -> str:
    """Return the span's place in the whole time: ``=`` for its time, ``>`` where it goes on, one cell at least."""
    if whole <= 0 or width <= 0:
        return "=" * width
    begins = max(0.0, one.offset)
    first = min(width - 1, int(begins / whole * width))
    seconds = one.offset + _end(one.span, now) - one.span.start - begins
    cells = max(1, min(width - first, round(seconds / whole * width)))
    drawn = "=" * cells if one.span.seconds is not None else "=" * (cells - 1) + ">"
    return f"{'.' * first}{drawn}{'.' * (width - first - cells)}"


def words(one: Laid) -> str:
    """Return name, failure and attributes of a span in one line; of a link's end also the trace that it is in."""
    span_ = one.span
    facts = [f"{name} {value}" for name, value in span_.attributes.items()]
    said = ", ".join([*facts, f"trace {one.trace_id}"] if one.trace_id else facts)
    failed = f" FAILED {span_.detail}".rstrip() if span_.failed else ""
    linked = "linked: " if one.trace_id else ""
    return f"{'  ' * one.depth}{linked}{span_.name}{failed}{f'  ({said})' if said else ''}"


def line(one: Laid, whole: float, now: float, width: int) -> str:
    """Return a span as one line of text."""
    time = GOES_ON if one.span.seconds is None else took(one.span.seconds)
    return f"{took(one.offset):>8} {time:>8} {bar(one, whole, now, width)} {words(one)}"


def heading(trace: Trace, now: float) -> tuple[str, ...]:
    """Return what a trace is, in lines."""
    spans: Sequence[Span] = trace.spans
    begin = min((one.start for one in spans), default=0.0)
    tasks = "no task" if not trace.tasks else f"task {', '.join(str(one) for one in trace.tasks)}"
    services = ", ".join(dict.fromkeys(one.service for one in spans))
    failed = sum(one.failed for one in spans)
    return (
        f"trace {trace.id}  {tasks}",
        f"{many(len(spans), 'span')} of {services}, from {clock(begin)}, {took(length(trace, now))} in all, "
        f"{failed} failed",
    )


def waterfall(trace: Trace, now: float, width: int) -> tuple[str, ...]:
    """Return a trace for a person: what it is, then a line a span."""
    whole = length(trace, now)
    titles = f"{'AFTER':>8} {'TOOK':>8} {'':{width}} WHAT"
    return (*heading(trace, now), "", titles, *(line(one, whole, now, width) for one in laid(trace)))
