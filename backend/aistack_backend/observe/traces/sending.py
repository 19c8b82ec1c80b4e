"""Ended spans to one address, by OTLP over HTTP. Nothing goes there that is not redacted.

Needs no table: a role in its container sends by it too.
"""

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
from aistack_backend.observe.traces.shape import clean
from aistack_backend.wire.traces import Sending

WITHIN = 5.0
"""Seconds for one request of spans."""
HELD = 2_048
"""Spans that wait for an address that does not answer; the oldest go first, and are counted as lost."""
log = logging.getLogger(__name__)
Redact = Callable[[str], str]


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
            self._told = replace(told, sent=told.sent + len(batch), waiting=0, last_at=self._clock.now(), fault="")
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
        self._told = replace(self._told, lost=self._told.lost + lost, waiting=len(self._waiting), fault=fault)
