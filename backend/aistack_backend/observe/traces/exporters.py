"""Ended spans into our own table, redacted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from aistack_backend.errors import BackendError
from aistack_backend.observe.traces.shape import shaped
from aistack_backend.observe.traces.store import TraceStore

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
