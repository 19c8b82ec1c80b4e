"""A store that searches a copy of the vectors in another program, and keeps that copy in step with our table.

Before a search the copy is brought to the revision that the searching transaction sees: what it lacks is written, what
is no more is removed. So a change that was rolled back is never in it, and one made while the program was away comes
later.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection

from aistack_backend.clock import Clock
from aistack_backend.errors import Unavailable
from aistack_backend.knowledge import vectors
from aistack_backend.knowledge.stores.port import Copy, Found, Space, asked, best

BATCH = 500
"""Vectors that are written, and ids that are removed, in one go."""
REST = 5.0
"""Seconds that a program which did not answer is left alone; a search meanwhile need not wait for it."""


@dataclass(slots=True)
class _Held:
    revision: int
    ids: set[int]


class Copied:
    """One copy. A search that changes it waits for another that does; one that need not change it does not."""

    def __init__(self, copy: Copy, clock: Clock) -> None:
        self.name = copy.name
        self._copy, self._clock = copy, clock
        self._held: dict[int, _Held] = {}
        self._anew: dict[int, int] = {}
        """Collection → the revision from which on an id may have another vector than before."""
        self._lock = threading.Lock()
        self._away: tuple[float, Unavailable] | None = None

    def find(
        self,
        connection: Connection,
        spaces: Sequence[Space],
        wanted: Sequence[float],
        most: int,
        only: AbstractSet[int] | None = None,
    ) -> Found:
        """See ``VectorStore``."""
        question, found = asked(spaces, wanted), Found()
        for space in spaces:
            self.follow(connection, space)
            try:
                found += self._copy.find(space, question, most, only)
            except Unavailable as error:
                raise self._gone(space, error) from error
        return best(found, most)

    def follow(self, connection: Connection, space: Space) -> None:
        """See ``VectorStore``."""
        if self._away and self._clock.mono() < self._away[0]:
            raise self._away[1]
        held = self._held.get(space.id)
        if held is not None and held.revision >= space.revision:
            return
        with self._lock:
            try:
                self._catch_up(connection, space)
            except Unavailable as error:
                raise self._gone(space, error) from error
            self._away = None

    def forget(self, space: Space) -> None:
        """See ``VectorStore``."""
        self._anew[space.id] = space.revision

    def close(self) -> None:
        """See ``VectorStore``."""
        self._copy.close()

    def _catch_up(self, connection: Connection, space: Space) -> None:
        wanted = vectors.ids_of(connection, space.id)
        held = self._held.pop(space.id, None)
        if held is None or held.revision < self._anew.get(space.id, 0):  # each vector is compared
            marks = self._copy.marks(space)
            there = vectors.of(connection, sorted(wanted & marks.keys()))
            ids = {number for number, vector in there.items() if marks[number] == vectors.mark(vector)}
            old = sorted(marks.keys() - wanted)
        else:
            ids, old = held.ids & wanted, sorted(held.ids - wanted)
        new = sorted(wanted - ids)
        for at in range(0, len(old), BATCH):
            self._copy.drop(space, old[at : at + BATCH])
        for at in range(0, len(new), BATCH):
            self._copy.put(space, vectors.of(connection, new[at : at + BATCH]))
        self._held[space.id] = _Held(space.revision, wanted)

    def _gone(self, space: Space, error: Unavailable) -> Unavailable:
        self._held.pop(space.id, None)  # what it holds now is not known
        self._away = (self._clock.mono() + REST, error)
        return error
