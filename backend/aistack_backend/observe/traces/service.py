"""Traces of this process: recorded from ``start`` to ``stop``, kept, sent, and read."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from aistack_backend import tracing
from aistack_backend.clock import Clock
from aistack_backend.errors import NotFound
from aistack_backend.observe.traces.consoles import Consoles
from aistack_backend.observe.traces.exporters import Keep
from aistack_backend.observe.traces.sending import Send
from aistack_backend.observe.traces.shape import shaped
from aistack_backend.observe.traces.store import TraceStore
from aistack_backend.store.database import Database
from aistack_backend.wire.traces import Sending, SpanReport, SpansTaken, Trace, TraceList

EVERY = 1_000
"""Milliseconds between two batches."""
QUEUE = 4_096
"""Spans that may wait for a batch; what comes on top is not recorded."""
PATIENCE = 5_000
"""Milliseconds that a read waits for what has ended to be written."""
_TRACE = re.compile(r"[0-9a-f]{32}")


class Open(SpanProcessor):
    """The spans that still go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: dict[tuple[int, int], Span] = {}

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Take one in."""
        held = span.get_span_context()
        with self._lock:
            self._spans[held.trace_id, held.span_id] = span

    def on_end(self, span: ReadableSpan) -> None:
        """Let it go."""
        held = span.get_span_context()
        with self._lock:
            self._spans.pop((held.trace_id, held.span_id) if held else (0, 0), None)

    def of(self, trace_id: str) -> tuple[Span, ...]:
        """Return those of one trace."""
        with self._lock:
            return tuple(one for (found, _), one in self._spans.items() if f"{found:032x}" == trace_id)


class Traces:
    """Belongs to any thread; ``stop``, ``list`` and ``get`` block."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        redact: Callable[[str], str],
        *,
        most: int,
        keep: bool = True,
        send_to: str = "",
        service: str = "backend",
    ) -> None:
        """``most``: as ``TraceStore`` has it; ``send_to``: an address of OTLP that ``checked`` gave, "" = none."""
        self._store = TraceStore(database, most)
        self._redact = redact
        self._keep = BatchSpanProcessor(Keep(self._store, redact), QUEUE, EVERY, 512) if keep else None
        self._send = Send(send_to, clock, redact) if send_to else None
        self._open = Open()
        self._consoles = Consoles(clock)
        self._ended: SpanProcessor | None = None
        self._provider: TracerProvider | None = None
        self._service = service

    def start(self) -> None:
        """Begin to record; nothing at all is done when spans are neither kept nor sent."""
        if self._keep is None and self._send is None:
            return
        processors = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]
        processors.add_span_processor(self._open)
        if self._keep is not None:
            processors.add_span_processor(self._keep)
        if self._send is not None:
            processors.add_span_processor(BatchSpanProcessor(self._send, QUEUE, EVERY, 512))
        resource = Resource({"service.name": self._service, "service.namespace": "aistack"})
        self._provider = TracerProvider(resource=resource, active_span_processor=processors, shutdown_on_exit=False)
        self._tracer = self._provider.get_tracer("aistack")
        self._ended = processors
        tracing.use(self._tracer)

    def stop(self) -> None:
        """End the recording and write what has ended."""
        if self._provider is not None:
            tracing.leave(self._tracer)
            self._ended = None
            self._provider.shutdown()
            self._provider = None

    def list(self) -> TraceList:
        """Return the newest traces, newest first."""
        self._settle()
        return TraceList(
            kept=self._keep is not None,
            traces=self._store.list(),
            sending=self.sending(),
            console_lost=self._consoles.lost,
        )

    def take(self, report: SpanReport, via: str) -> SpansTaken:
        """Record what a console measured of its calls, all of a report or none; once, however often it is told.

        Raises:
            BadInput: a span is not one that a console can have measured, or there are too many.
        """
        told, ended = self._consoles.taken(report, via), self._ended
        if ended is None:
            return SpansTaken(taken=0)
        for one in told:
            ended.on_end(one)
        return SpansTaken(taken=len(told))

    def get(self, wanted: str) -> Trace:
        """Return one trace by its id, or by the number of a task that belongs to it.

        Raises:
            NotFound: nothing is recorded of it, or no longer.
        """
        trace_id = wanted if _TRACE.fullmatch(wanted) else self._of_task(wanted)
        self._settle()
        still = [shaped(one, self._redact)[1] for one in self._open.of(trace_id)]
        found = self._store.get(trace_id)
        known = {one.id for one in found.spans}
        spans = (*found.spans, *(one for one in still if one.id not in known and one.seconds is None))
        if not spans:
            raise NotFound(f"Nothing is kept of the trace {trace_id}.", "traces lists those that are kept.")
        return Trace(
            id=trace_id,
            tasks=found.tasks,
            spans=tuple(sorted(spans, key=lambda one: one.start)),
            linked=self._store.linked([to for one in spans for to in one.links]),
        )

    def sending(self) -> Sending | None:
        """Return how the sending of spans goes; None = they are sent nowhere."""
        return self._send.told() if self._send else None

    def _of_task(self, wanted: str) -> str:
        if not re.fullmatch(r"[0-9]{1,18}", wanted):
            raise NotFound("There is no such trace.", "Give a task's number, or the 32 hex digits of a trace.")
        return self._store.trace_of(int(wanted))

    def _settle(self) -> None:
        if self._keep is not None:
            self._keep.force_flush(PATIENCE)
