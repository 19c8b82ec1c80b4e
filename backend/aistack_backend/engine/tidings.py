"""Tells a backend what workers wrote into the database that it shares with them (PostgreSQL only).

Each change of a task leaves a record in the audit: reading its newest number is the whole question.
"""

from __future__ import annotations

from sqlalchemy import func, select

from aistack_backend.store.database import Database
from aistack_backend.store.tables import event

EVERY = 0.5
"""Seconds between two looks."""


class Tidings:
    """Remembers how far the audit was read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seq: int | None = None

    def tasks(self) -> list[int]:
        """Return the tasks that have new records since the last call, ours included; none at the first.

        Raises:
            Unavailable: the database cannot be read.
        """
        with self._database.read() as connection:
            newest = int(connection.execute(select(func.max(event.c.seq))).scalar() or 0)
            since, self._seq = self._seq, newest
            if since is None or since == newest:
                return []
            query = select(event.c.task_id).where((event.c.seq > since) & event.c.task_id.is_not(None)).distinct()
            return sorted(connection.execute(query).scalars())
