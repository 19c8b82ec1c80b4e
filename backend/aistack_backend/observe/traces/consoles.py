"""What consoles tell of their own part of a trace: checked, bounded, and recorded once."""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput
from aistack_backend.wire.traces import ConsoleSpan, SpanReport

MOST = 64
"""Spans of one report."""
LATE, EARLY = 3_600.0, 2.0
"""Seconds that a span's end may lie behind now, and before it: the console's clock is this machine's."""
LONGEST = 3_600.0
"""Seconds that one call can have taken."""
REMEMBERED = 4_096
"""Spans that are known as told already."""
LOST = 1_000_000
"""What one report may count as lost."""
_TRACE, _SPAN = re.compile(r"(?!0{32})[0-9a-f]{32}"), re.compile(r"(?!0{16})[0-9a-f]{16}")
_NAME, _DETAIL = re.compile(r"[A-Za-z][A-Za-z0-9._ -]{0,63}"), re.compile(r"[A-Za-z0-9 -]{0,40}")
_RESOURCE = Resource({"service.name": "console", "service.namespace": "aistack"})


class Consoles:
    """Belongs to any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self.lost = 0
        """Spans that consoles said they could not tell."""

    def taken(self, report: SpanReport, via: str) -> tuple[ReadableSpan, ...]:
        """Return what is new in a report, as spans that have ended.

        Raises:
            BadInput: as ``Traces.take`` says; nothing of the report is taken then.
        """
        if len(report.spans) > MOST:
            raise BadInput(f"A report has {len(report.spans)} spans.", f"Tell {MOST} at most at once.")
        if not 0 <= report.lost <= LOST:
            raise BadInput(f"A report counts {report.lost} spans as lost.", f"Count from 0 to {LOST}.")
        now = self._clock.now()
        for number, one in enumerate(report.spans):
            if wrong := _wrong(one, now):
                raise BadInput(f"spans[{number}]{wrong[0]}.", wrong[1])
        with self._lock:
            self.lost += report.lost
            return tuple(_span(one, via) for one in report.spans if self._is_new(one))

    def _is_new(self, one: ConsoleSpan) -> bool:
        known = f"{one.trace_id}{one.id}"
        if known in self._told:
            return False
        self._told[known] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True


def _wrong(one: ConsoleSpan, now: float) -> Sequence[str]:
    """Return what is wrong with a span and what would be right; nothing when it can have been measured."""
    if not _TRACE.fullmatch(one.trace_id) or not _SPAN.fullmatch(one.id):
        return ".trace_id or .id is no id", "Give those of the call's traceparent: 32 and 16 hex digits."
    if not _NAME.fullmatch(one.name):
        return ".name is no name of a key's action or a verb", "Use 64 letters, digits and . _ - at most."
    if not _DETAIL.fullmatch(one.detail):
        return ".detail is no word", "Say in 40 letters and digits at most how it failed."
    if not (math.isfinite(one.seconds) and 0 <= one.seconds <= LONGEST):
        return ".seconds is no time that a call takes", f"Give 0 to {LONGEST:.0f}."
    if not (math.isfinite(one.start) and now - LATE <= one.start + one.seconds <= now + EARLY):
        return " ended at no time of the last hour", "Give start in seconds since 1970, by this machine's clock."
    return ()


def _span(one: ConsoleSpan, via: str) -> ReadableSpan:
    ids = int(one.trace_id, 16), int(one.id, 16)
    return ReadableSpan(
        name=f"console {one.name}",
        context=SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)),
        resource=_RESOURCE,
        attributes={"via": via},
        kind=SpanKind.CLIENT,
        status=Status(StatusCode.ERROR, one.detail) if one.failed else Status(StatusCode.UNSET),
        start_time=int(one.start * 1e9),
        end_time=int((one.start + one.seconds) * 1e9),
    )
