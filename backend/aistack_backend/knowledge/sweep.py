"""What a collection holds too much of: what is over, what nobody finds, what is there twice. A person removes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict
from aistack_backend.knowledge import alike, rows, uses
from aistack_backend.knowledge.stores.port import Vector
from aistack_backend.knowledge.uses import Uses
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, collection, document
from aistack_backend.store.knowledge_use_tables import document_use
from aistack_backend.wire.knowledge import Document, Surplus, SurplusList, Swept, Why

DAY = 86_400.0
MOST = 5_000
"""Documents of a collection that are looked through; the newest of them."""
SHOWN = 1_000
"""Documents of one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """From when on a document is too much."""

    unused_days: float = 90.0
    """Counted for so long, and found in no search since."""
    alike: float = 0.95
    """The cosine that each piece has to one of the other document."""

    def check(self) -> None:
        """Raise BadInput when a bound cannot be."""
        if not 0 < self.unused_days < 36_500:
            raise BadInput(f"unused_days is {self.unused_days:g}; more than 0 and less than 36500 would be right.")
        if not 0.5 <= self.alike <= 1:
            raise BadInput(f"alike is {self.alike:g}; 0.5 to 1 would be right.")


class Sweeper:
    """Looks for surplus, and removes what of it a person named. From any thread."""

    def __init__(self, database: Database, clock: Clock, counted: Uses) -> None:
        self._database, self._clock, self._uses = database, clock, counted

    def look(self, name: str, bounds: Bounds) -> SurplusList:
        """Return what of a collection could go, each with its reason; nothing is removed.

        Raises:
            BadInput: a bound cannot be. NotFound: no such collection.
        """
        bounds.check()
        self._uses.write()
        with self._database.tx() as connection:  # from now on all of them are counted
            uses.begin(connection, self._clock.now())
        with self._database.read() as connection:
            return self._looked(connection, rows.known(connection, name), bounds)

    def sweep(self, name: str, numbers: Sequence[int], bounds: Bounds) -> Swept:
        """Remove those of the named documents that are still too much; all at once.

        Raises:
            BadInput, NotFound: as ``look``. Conflict: the collection was changed meanwhile.
        """
        if not numbers:
            raise BadInput("No document is named.", "Name those of the list that may go.")
        bounds.check()
        self._uses.write()
        with self._database.read() as connection:
            held = rows.known(connection, name)
            found = {one.document.id: one for one in self._looked(connection, held, bounds).surplus}
        gone = [found[number].document for number in dict.fromkeys(numbers) if number in found]
        with self._database.tx() as connection:
            now = select(collection.c.revision).where(collection.c.id == held.id)
            if connection.execute(now).scalar() != held.revision:
                raise Conflict(f"The collection {name} was changed meanwhile.", "Look again.")
            for one in gone:
                rows.drop(connection, one.id, held.id)
        return Swept(removed=tuple(gone), stayed=tuple(one for one in dict.fromkeys(numbers) if one not in found))

    def _looked(self, connection: Connection, held: Row[Any], bounds: Bounds) -> SurplusList:
        documents = rows.documents(connection, document.c.collection_id == held.id, MOST)
        counts = {row.document_id: row for row in connection.execute(select(document_use))}
        now = self._clock.now()
        found = {one.id: why for one in documents if (why := _over(one, now) or _unused(one, counts, now, bounds))}
        rest = [one for one in documents if one.id not in found]
        pieces = _pieces(connection, held, [one.id for one in rest])
        for one, why in _twice(rest, counts, pieces, bounds.alike).items():
            found[one] = why
        bare = sum(one.id not in pieces for one in rest)
        notes = [f"{bare} documents have no vectors and were compared by their bytes alone."] if bare else []
        if held.documents and held.documents > MOST:
            notes.append(f"Only the newest {MOST} of {held.documents} documents were looked through.")
        ordered = sorted(found.values(), key=lambda one: (one.why, one.document.id))
        return SurplusList(collection=held.name, surplus=tuple(ordered[:SHOWN]), detail=" ".join(notes))


def _over(one: Document, now: float) -> Surplus | None:
    if one.expires_at is None or one.expires_at > now:
        return None
    return Surplus(document=one, why=Why.EXPIRED, detail=f"Its time was over {_days(now - one.expires_at)} ago.")


def _unused(one: Document, counts: Mapping[int, Row[Any]], now: float, bounds: Bounds) -> Surplus | None:
    count = counts.get(one.id)
    if count is None:  # nobody counted: not known
        return None
    last = count.since if count.last_found is None else count.last_found
    if now - last < bounds.unused_days * DAY:
        return None
    times = f"found {count.found} times before" if count.found else f"counted for {_days(now - count.since)}"
    detail = f"No search found it in {_days(now - last)} ({times})."
    return Surplus(document=one, why=Why.UNUSED, detail=detail, found=count.found)


def _twice(
    documents: Sequence[Document], counts: Mapping[int, Row[Any]], pieces: Mapping[int, Vector], least: float
) -> dict[int, Surplus]:
    by_number = {one.id: one for one in documents}

    def rank(number: int) -> tuple[int, int]:  # what is found more often stays, else what is newer
        return (-(counts[number].found if number in counts else 0), -number)

    first: dict[str, int] = {}
    order, gone = [], {}
    for number in sorted(by_number, key=rank):
        stays = first.setdefault(by_number[number].sha256, number)
        if stays == number:
            order.append(number)
        else:
            gone[number] = (stays, 1.0)
    gone |= alike.surplus(pieces, order, least)
    made: dict[int, Surplus] = {}
    for number, (stays, cosine) in gone.items():
        one, other = by_number[number], by_number[stays]
        bytes_too = one.sha256 == other.sha256
        how = "the same bytes" if bytes_too else f"each piece alike by a cosine of at least {cosine:.3f}"
        detail = f"{other.source} says the same: {how}."
        measured = None if bytes_too else cosine
        made[number] = Surplus(document=one, why=Why.ALIKE, detail=detail, like=other, cosine=measured)
    return made


def _pieces(connection: Connection, held: Row[Any], numbers: Sequence[int]) -> dict[int, Vector]:
    """Return the vectors of each document all of whose pieces have one."""
    if held.dimensions is None:
        return {}
    wanted = select(chunk.c.document_id, chunk.c.vector).join(document).order_by(chunk.c.id)
    vectors: dict[int, list[bytes | None]] = {}
    for row in connection.execute(wanted.where(document.c.collection_id == held.id)):
        vectors.setdefault(row.document_id, []).append(row.vector)
    joined = {number: [one for one in vectors.get(number, ()) if one is not None] for number in numbers}
    whole = {number: found for number, found in joined.items() if found and len(found) == len(vectors[number])}
    return {
        number: np.frombuffer(b"".join(found), "<f4").reshape(len(found), held.dimensions)
        for number, found in whole.items()
    }


def _days(seconds: float) -> str:
    days = seconds / DAY
    return f"{days:.0f} days" if days >= 2 else f"{seconds / 3_600:.0f} h"
