"""The log of what leaves this machine: a row is there before the first byte goes, or nothing goes."""

from __future__ import annotations

import hashlib

from sqlalchemy import insert, select, update

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.store.database import Database
from aistack_backend.store.routing_tables import outbound
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.routing import Outbound

MOST = 200
"""Rows of one list."""
PART = 12_000
"""Characters that the redactor is given at once; it shortens what is longer."""
PATH = "/chat/completions"


class OutboundLog:
    """Writes and reads it; belongs to any thread."""

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor

    def begin(self, ask: str, provider: ProviderConfig, body: bytes) -> int:
        """Write down what is about to leave, and return the row's number.

        Raises:
            Unavailable: it cannot be written, so nothing may leave.
        """
        text = body.decode("utf-8", "replace")
        clean = "".join(self._redactor.text(text[start : start + PART]) for start in range(0, len(text), PART))
        values = {
            "at": self._clock.now(),
            "ask": ask,
            "provider": provider.name,
            "host": provider.host,
            "path": PATH,
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "body": clean,
        }
        try:
            with self._database.tx() as connection:
                made = connection.execute(insert(outbound).values(values).returning(outbound.c.id))
                return int(made.scalar_one())
        except BackendError as error:
            raise Unavailable(
                f"What would leave for {provider.host} cannot be written down, so nothing leaves: {error.detail}",
                error.hint,
            ) from error

    def end(self, number: int, outcome: str) -> None:
        """Write down how it ended."""
        values = {"outcome": self._redactor.text(outcome), "ended_at": self._clock.now()}
        with self._database.tx() as connection:
            connection.execute(update(outbound).where(outbound.c.id == number).values(values))

    def tie(self, ask: str, interaction: int) -> None:
        """Say which interaction the rows of a question belong to."""
        with self._database.tx() as connection:
            connection.execute(update(outbound).where(outbound.c.ask == ask).values(interaction=interaction))

    def find(self, interaction: int | None = None, most: int = MOST) -> tuple[Outbound, ...]:
        """Return what left, the newest first; of one interaction when it is named."""
        wanted = select(outbound).order_by(outbound.c.id.desc()).limit(most)
        if interaction is not None:
            wanted = wanted.where(outbound.c.interaction == interaction)
        with self._database.read() as connection:
            rows = [dict(row._mapping) for row in connection.execute(wanted)]
        return tuple(Outbound(**{name: row[name] for name in row if name != "ask"}) for row in rows)
