"""What is known of updates, service by service, kept over a restart of the backend."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from aistack_backend.store.database import Database
from aistack_backend.store.tables import meta

KEY = "stack.updates"
AVAILABLE, NONE = "available", "none"


class Facts:
    """Word by service: ``available``, ``none``, or ``rolled back: REASON``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, str] | None = None

    def now(self) -> Mapping[str, str]:
        """Return what is known; a service that nobody looked at is not in it."""
        if self._known is None:
            with self._database.read() as connection:
                text = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
            self._known = {str(key): str(word) for key, word in json.loads(text or "{}").items()}
        return self._known

    def note(self, words: Mapping[str, str]) -> None:
        """Take in what was found now.

        Raises:
            Unavailable: the database cannot be written.
        """
        known = {**self.now(), **words}
        if known == self._known:
            return
        with self._database.tx() as connection:
            connection.execute(delete(meta).where(meta.c.key == KEY))
            connection.execute(insert(meta).values(key=KEY, value=json.dumps(known, sort_keys=True)))
        self._known = known
