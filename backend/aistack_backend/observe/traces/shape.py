"""A span of OpenTelemetry's SDK as ours: short, without secrets, and still one when it has not ended."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, Status
from opentelemetry.trace.status import StatusCode

from aistack_backend.wire.traces import Span, SpanLink

LONGEST = 200
"""Characters of a name or of an attribute."""
MOST = 32
"""Attributes of one span."""
LINKS = 8
"""Links of one span."""
Redact = Callable[[str], str]


def shaped(one: ReadableSpan, redact: Redact) -> tuple[str, Span]:
    """Return the id of its trace and what we keep of it."""
    held, parent = one.context, one.parent
    assert held is not None  # noqa: S101  the SDK makes none without
    start, end = one.start_time or 0, one.end_time
    return f"{held.trace_id:032x}", Span(
        id=f"{held.span_id:016x}",
        parent_id=f"{parent.span_id:016x}" if parent else "",
        service=str((one.resource.attributes if one.resource else {}).get("service.name", "")),
        name=_short(one.name, redact),
        start=start / 1e9,
        seconds=None if end is None else max(0, end - start) / 1e9,
        failed=one.status.status_code is StatusCode.ERROR,
        detail=_short(one.status.description or "", redact),
        attributes={name: _short(str(value), redact) for name, value in _attributes(one).items()},
        links=tuple(
            SpanLink(trace_id=f"{to.context.trace_id:032x}", span_id=f"{to.context.span_id:016x}")
            for to in one.links[:LINKS]
        ),
    )


def clean(one: ReadableSpan, redact: Redact) -> ReadableSpan:
    """Return the same span for others: what we would keep of it and nothing else."""
    status = one.status
    return ReadableSpan(
        name=_short(one.name, redact),
        context=one.context,
        parent=one.parent,
        resource=one.resource,
        attributes={
            name: _short(value, redact) if isinstance(value, str) else value for name, value in _attributes(one).items()
        },
        links=[Link(to.context) for to in one.links[:LINKS]],
        kind=one.kind,
        status=Status(status.status_code, _short(status.description, redact) if status.description else None),
        start_time=one.start_time,
        end_time=one.end_time,
        instrumentation_scope=one.instrumentation_scope,
    )


def _attributes(one: ReadableSpan) -> dict[str, str | int | float | bool]:
    plain = ((name, value) for name, value in (one.attributes or {}).items() if isinstance(value, str | int | float))
    return dict(list(plain)[:MOST])


def _short(text: str, redact: Redact) -> str:
    return redact(text)[:LONGEST]
