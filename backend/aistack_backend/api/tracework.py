"""The wiring of traces. Import this module in a thread: OpenTelemetry's SDK takes its time."""

from __future__ import annotations

from aistack_backend.api.parts import Parts
from aistack_backend.observe.traces.address import checked
from aistack_backend.observe.traces.service import Traces
from aistack_backend.store.database import Database


def traces(parts: Parts, database: Database) -> Traces:
    """Return the traces of this process; they are recorded from now on if the configuration says so."""
    wish = parts.settings.config.traces
    redact = parts.audit.get().redactor.text
    send_to = checked(wish.otlp) if wish.otlp else ""
    made = Traces(database, parts.clock, redact, most=wish.most, keep=wish.keep, send_to=send_to)
    made.start()
    return made
