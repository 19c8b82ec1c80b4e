"""Spans of what the backend does, by OpenTelemetry's API: numbers and names, never what was asked or answered.

Nothing is made until ``use`` names a tracer: without one a span costs the test of one name.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

T = TypeVar("T")
Value = str | int | float | bool
"""What an attribute may be."""
Ids = tuple[str, str]
"""A trace's id and that of one of its spans, in hex."""
_w3c = TraceContextTextMapPropagator()
_tracers: list[Tracer] = []


def use(tracer: Tracer) -> None:
    """Make spans with this tracer from now on."""
    _tracers.append(tracer)


def leave(tracer: Tracer) -> None:
    """Make no more spans with this one."""
    if tracer in _tracers:
        _tracers.remove(tracer)


def on() -> bool:
    """Tell whether spans are made."""
    return bool(_tracers)


def begin(
    name: str,
    parent: Context | None = None,
    *,
    start: float | None = None,
    links: Sequence[Ids] = (),
    **attributes: Value,
) -> Span:
    """Return a span that the caller ends; it is nobody's parent by itself. ``start`` is in epoch seconds, None = now.

    Without ``parent`` it belongs below the span that is current. ``links`` are spans of other traces.
    """
    return _begin(name, parent, attributes, None if start is None else int(start * 1e9), links)


def link(made: Span) -> None:
    """Link the current span with one of another trace."""
    get_current_span().add_link(made.get_span_context())


def part(name: str, parent: Context | None = None, **attributes: Value) -> Span:
    """Return a span of the trace that is under way, or of ``parent``'s, that the caller ends: for what yields."""
    return INVALID_SPAN if current(parent) is None else _begin(name, parent, attributes)


@contextmanager
def span(name: str, parent: Context | None = None, **attributes: Value) -> Iterator[Span]:
    """Run the block as a span, which is current in it. What it raises marks the span by its class's name alone."""
    if not _tracers:
        yield INVALID_SPAN
        return
    with _current(_begin(name, parent, attributes), parent) as made:
        yield made


@contextmanager
def step(name: str, **attributes: Value) -> Iterator[Span]:
    """Run the block as a span of the trace that is under way; nothing is made where none is."""
    if current() is None:
        yield INVALID_SPAN
        return
    with _current(_begin(name, None, attributes), None) as made:
        yield made


def _begin(
    name: str,
    parent: Context | None,
    attributes: Mapping[str, Value],
    at: int | None = None,
    links: Sequence[Ids] = (),
) -> Span:
    if not _tracers:
        return INVALID_SPAN
    others = [Link(_known(one)) for one in links]
    return _tracers[-1].start_span(name, parent, attributes=dict(attributes), start_time=at, links=others)


@contextmanager
def _current(made: Span, parent: Context | None) -> Iterator[Span]:
    token = contexts.attach(set_span_in_context(made, parent))
    try:
        yield made
    except BaseException as error:
        failed(made, type(error).__name__)
        raise
    finally:
        contexts.detach(token)
        made.end()


def failed(made: Span, word: str) -> None:
    """Mark a span as failed; ``word`` says how in a word, e.g. the class of what was raised."""
    made.set_status(Status(StatusCode.ERROR, word))


def current(context: Context | None = None) -> Ids | None:
    """Return what the current span is known by, or that of another context; None when no trace is under way."""
    held = get_current_span(context).get_span_context()
    if not _tracers or not held.is_valid:
        return None
    return f"{held.trace_id:032x}", f"{held.span_id:016x}"


def trace_id() -> str:
    """Return the id of the trace that is under way; empty = none is."""
    found = current()
    return found[0] if found else ""


def below(ids: Ids | None) -> Context | None:
    """Return the context in which spans belong below that one, which may have ended, here or in an earlier life."""
    if ids is None:
        return None
    return set_span_in_context(NonRecordingSpan(_known(ids)), Context())


def _known(ids: Ids) -> SpanContext:
    trace_id, span_id = (int(one, 16) for one in ids)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def told(traceparent: str) -> Context:
    """Return the context that a W3C ``traceparent`` names; an empty one when it names none, so that a trace begins."""
    return _w3c.extract({"traceparent": traceparent}, Context())


def header(asked: str = "") -> dict[str, str]:
    """Return the header that names the span that is current, for whoever is asked next.

    Where none is, the one of ``asked`` is passed on if it is a ``traceparent``; else there is none.
    """
    said: dict[str, str] = {}
    _w3c.inject(said, None if current() else told(asked))
    return {"traceparent": said["traceparent"]} if "traceparent" in said else {}


async def within(context: Context | None, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` with that context as the current one; None = as it is."""
    if context is None:
        return await work
    token = contexts.attach(context)
    try:
        return await work
    finally:
        contexts.detach(token)
