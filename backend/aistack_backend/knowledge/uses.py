"""Count in how many searches a document was found: gathered in memory, written down once in a while."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import document
from aistack_backend.store.knowledge_use_tables import document_use

EVERY = 10.0
"""Seconds between two writes at least; what was counted since the last is lost when the process is killed."""


class Uses:
    """See the module. From any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._lock = threading.Lock()
        self._found: Counter[int] = Counter()
        self._written = clock.mono()

    def found(self, documents: Iterable[int]) -> None:
        """Count one search that found these documents."""
        with self._lock:
            self._found.update(set(documents))
            due = self._clock.mono() - self._written >= EVERY
        if due:
            self.write()

    def write(self) -> None:
        """Write down what was counted; when the store cannot now, it is kept for the next time."""
        with self._lock:
            counted, self._found = self._found, Counter()
            self._written = self._clock.mono()
        if not counted:
            return
        try:
            with self._database.tx() as connection:
                begin(connection, self._clock.now(), list(counted))
                rows = [{"of": number, "more": times, "at": self._clock.now()} for number, times in counted.items()]
                more = update(document_use).where(document_use.c.document_id == bindparam("of"))
                values = {"found": document_use.c.found + bindparam("more"), "last_found": bindparam("at")}
                connection.execute(more.values(values), rows)
        except BackendError:
            with self._lock:
                self._found.update(counted)


def begin(connection: Connection, now: float, documents: Iterable[int] | None = None) -> None:
    """Begin to count for these documents (None = for all) where it was not begun yet."""
    known = select(document_use.c.document_id)
    new = select(document.c.id).where(document.c.id.not_in(known))
    if documents is not None:
        new = new.where(document.c.id.in_(list(documents)))
    rows = [{"document_id": number, "since": now, "found": 0} for number in connection.execute(new).scalars()]
    if rows:
        connection.execute(insert(document_use), rows)


def drop(connection: Connection, number: int) -> None:
    """Forget one document."""
    connection.execute(delete(document_use).where(document_use.c.document_id == number))
