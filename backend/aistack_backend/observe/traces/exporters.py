"""Where ended spans go: into our own table, and by OTLP to one address. Neither gets what is not redacted."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError
from aistack_backend.observe.traces.shape import clean, shaped
from aistack_backend.observe.traces.store import TraceStore
from aistack_backend.wire.traces import Sending

WITHIN = 5.0
"""Seconds for one request of spans."""
HELD = 2_048
"""Spans that wait for an address that does not answer; the oldest go first, and are counted as lost."""
log = logging.getLogger(__name__)
Redact = Callable[[str], str]


class Keep(SpanExporter):
    """Writes into the table."""

    def __init__(self, store: TraceStore, redact: Redact) -> None:
        self._store, self._redact = store, redact

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch; what cannot be written is given up, and the log says so."""
        try:
            self._store.write([shaped(one, self._redact) for one in spans])
        except BackendError as error:
            log.warning("%s spans could not be kept: %s", len(spans), error.detail)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


class Send(SpanExporter):
    """Sends by OTLP over HTTP, as protobuf. No proxy is used and no redirect is followed."""

    def __init__(self, url: str, clock: Clock, redact: Redact) -> None:
        """``url``: the whole address, as ``checked`` gave it."""
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        self._encode, self._clock, self._redact = encode_spans, clock, redact
        self._waiting: deque[ReadableSpan] = deque()
        self._client = httpx.Client(trust_env=False, timeout=WITHIN)
        self._lock = threading.Lock()
        self._told = Sending(url=url)

    def told(self) -> Sending:
        """Return how it goes."""
        return self._told

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send what waits and this batch; what was not taken waits for the next one."""
        with self._lock:
            self._waiting.extend(clean(one, self._redact) for one in spans)
            batch = list(self._waiting)
            fault = self._try(batch)
            if fault:
                self._fail(fault)
                return SpanExportResult.FAILURE
            self._waiting.clear()
            told = self._told
            self._told = replace(told, sent=told.sent + len(batch), last_at=self._clock.now(), fault="")
            return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Let go of the connection; what still waits is not sent."""
        self._client.close()

    def _try(self, batch: Sequence[ReadableSpan]) -> str:
        """Send it; return why it was not taken, "" when it was."""
        body = self._encode(batch).SerializeToString()
        try:
            answer = self._client.post(self._told.url, content=body, headers={"Content-Type": "application/x-protobuf"})
        except httpx.HTTPError as error:
            return f"It does not answer: {error or type(error).__name__}."
        return "" if answer.is_success else f"It answered {answer.status_code}."

    def _fail(self, fault: str) -> None:
        if fault != self._told.fault:
            log.warning("Spans could not be sent to %s: %s", self._told.url, fault)
        lost = max(0, len(self._waiting) - HELD)
        for _ in range(lost):
            self._waiting.popleft()
        self._told = replace(self._told, lost=self._told.lost + lost, fault=fault)
