"""Spans of a process that keeps none: they are sent by OTLP, and that is counted. Never slows or stops its owner."""

from __future__ import annotations

import secrets

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from aistack_backend import tracing
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import SystemClock
from aistack_backend.observe.traces.address import checked
from aistack_backend.observe.traces.sending import Send
from aistack_backend.wire.traces import Sending

QUEUE, EVERY, BATCH = 4_096, 1_000, 512
"""Spans that may wait for a batch, milliseconds between two, and spans of one."""


class Forwarded:
    """Records from its making until ``stop``. Made and stopped in a thread: both may take their time."""

    def __init__(self, service: str, url: str) -> None:
        """``url``: where an OTLP receiver is, e.g. ``http://jaeger:4318``.

        Raises:
            BadInput: nothing may be sent there; the sentence says why.
        """
        self._send = Send(checked(url), SystemClock(), Redactor(secrets.token_bytes(32), ()).text)
        resource = Resource({"service.name": service, "service.namespace": "aistack"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._send, QUEUE, EVERY, BATCH))
        self._tracer = self._provider.get_tracer("aistack")
        tracing.use(self._tracer)

    def sending(self) -> Sending:
        """Return how it goes."""
        return self._send.told()

    def stop(self) -> None:
        """Record no more and send what has ended, if the receiver takes it."""
        tracing.leave(self._tracer)
        self._provider.shutdown()
