"""The knowledge base: documents in, answers with their sources out."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Row, select, true, update

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict, NotFound, Unavailable
from aistack_backend.knowledge import chunking, reading, rows, uses
from aistack_backend.knowledge.making import Made, made_of
from aistack_backend.knowledge.port import Embeds
from aistack_backend.knowledge.stores.exact import Exact
from aistack_backend.knowledge.stores.port import VectorStore
from aistack_backend.knowledge.sweep import Bounds, Sweeper
from aistack_backend.knowledge.uses import Uses
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, collection, document
from aistack_backend.wire.knowledge import Added, Collection, Document, DocumentText, Reindexed, SurplusList, Swept

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
MOST_CHUNKS = 200_000
"""Chunks of one collection."""
MOST_SHOWN = 1_000
"""Documents of one list."""
LONGEST_SOURCE = 2_000
"""Characters of a source."""
DAY = 86_400.0


class Knowledge:
    """See ``docs/codebase.md``. ``add`` and ``reindex`` belong to an event loop, the others to any thread."""

    def __init__(self, database: Database, clock: Clock, embeds: Embeds, vectors: VectorStore | None = None) -> None:
        self._database, self._clock, self._embeds = database, clock, embeds
        self._vectors: VectorStore = vectors or Exact()
        self.uses = Uses(database, clock)
        self._sweeper = Sweeper(database, clock, self.uses)

    def collections(self) -> tuple[Collection, ...]:
        """Return every collection, by name."""
        with self._database.read() as connection:
            return tuple(rows.shown(row) for row in rows.collections(connection))

    def documents(self, name: str) -> tuple[Document, ...]:
        """Return the documents of a collection, newest first, at most ``MOST_SHOWN``; NotFound when there is none."""
        with self._database.read() as connection:
            held = rows.known(connection, name)
            return rows.documents(connection, document.c.collection_id == held.id, MOST_SHOWN)

    def newest(self, name: str, most: int) -> tuple[Document, ...]:
        """Return the newest documents of a collection, or of all when none is named; NotFound when there is none."""
        with self._database.read() as connection:
            where = document.c.collection_id == rows.known(connection, name).id if name else true()
            return rows.documents(connection, where, min(most, MOST_SHOWN))

    def text(self, number: int) -> DocumentText:
        """Return a document with its text; NotFound when there is none."""
        with self._database.read() as connection:
            return rows.text(connection, number)

    def look_over(self, name: str, bounds: Bounds) -> SurplusList:
        """See ``Sweeper.look``."""
        return self._sweeper.look(name, bounds)

    def sweep(self, name: str, numbers: Sequence[int], bounds: Bounds) -> Swept:
        """See ``Sweeper.sweep``."""
        done = self._sweeper.sweep(name, numbers, bounds)
        self._followed(name)
        return done

    async def add(
        self,
        name: str,
        data: bytes,
        source: str,
        by: str,
        *,
        title: str = "",
        kind: str = "",
        charset: str = "",
        keep_days: float | None = None,
        replace: bool = True,
    ) -> Added:
        """Read a document into a collection, which is made when there is none. One of the same source is replaced, in
        one transaction; the same bytes again change nothing. Without ``replace`` another of that source stays.

        ``charset``: see ``reading.read``. Without an embedding model it is kept without vectors, found by words, and
        ``Added.detail`` says so.

        Raises:
            BadInput: the name, the source or the document cannot be. Conflict: the collection has vectors of another
            model, or is full, or has another document of that source that may not be replaced.
        """
        check(name, source, keep_days)
        digest = hashlib.sha256(data).hexdigest()
        read = await asyncio.to_thread(reading.read, data, source, title, kind, charset)
        if same := await asyncio.to_thread(self._same, name, source, digest, read.kind):
            return Added(document=same, outcome="unchanged")
        pieces = await asyncio.to_thread(chunking.split, read.text, headed=read.kind != "text")
        made = await made_of(self._embeds, [f"{piece.heading}\n{piece.text}".strip() for piece in pieces])
        now = self._clock.now()
        over = None if keep_days is None else now + keep_days * DAY
        values = {"title": read.title, "kind": read.kind, "characters": len(read.text), "sha256": digest}
        values |= {"source": source, "size": len(data), "added_at": now, "added_by": by, "expires_at": over}
        kept, replaced = await asyncio.to_thread(partial(self._store, name, pieces, made, replace, **values))
        late = await asyncio.to_thread(self._followed, name)
        detail = " ".join(filter(None, (made.detail, late)))
        return Added(document=kept, outcome="replaced" if replaced else "added", detail=detail)

    def remove(self, number: int) -> Document:
        """Remove a document and return what it was; NotFound when there is none."""
        with self._database.tx() as connection:
            found = rows.documents(connection, document.c.id == number, 1)
            if not found:
                raise NotFound(f"There is no document {number}.")
            rows.drop(connection, number, rows.known(connection, found[0].collection).id)
        self._followed(found[0].collection)
        return found[0]

    def collect_expired(self) -> tuple[Document, ...]:
        """Remove every document whose time is over; return them."""
        with self._database.tx() as connection:
            over = rows.documents(connection, document.c.expires_at <= self._clock.now(), MOST_SHOWN)
            for one in over:
                rows.drop(connection, one.id, rows.known(connection, one.collection).id)
        for name in {one.collection for one in over}:
            self._followed(name)
        return over

    async def reindex(self, name: str) -> Reindexed:
        """Compute every vector of a collection with the model that embeds now. Until the last is there the old ones
        answer; then all are replaced at once.

        Raises:
            NotFound: there is no such collection. Unavailable: no embedding model answers. Conflict: the collection
            was changed meanwhile.
        """
        began = self._clock.mono()
        held, chunks = await asyncio.to_thread(self._chunks, name)
        made = await made_of(self._embeds, [f"{row.heading}\n{row.text}".strip() for row in chunks])
        if chunks and not made.model:
            raise Unavailable(made.detail, "Nothing was changed.", kind="no-embedding-model")
        await asyncio.to_thread(self._exchange, held, [row.id for row in chunks], made)
        await asyncio.to_thread(self._followed, name)
        with self._database.read() as connection:
            after = rows.shown(rows.known(connection, name))
        return Reindexed(collection=after, computed=made.count, took=self._clock.mono() - began)

    def _same(self, name: str, source: str, digest: str, kind: str) -> Document | None:
        with self._database.read() as connection:
            mine = (collection.c.name == name) & (document.c.source == source)
            found = rows.documents(connection, mine & (document.c.sha256 == digest) & (document.c.kind == kind), 1)
        return found[0] if found else None

    def _store(
        self,
        name: str,
        pieces: Sequence[chunking.Piece],
        made: Made,
        replace: bool,
        **values: object,
    ) -> tuple[Document, bool]:
        with self._database.tx() as connection:
            number = rows.opened(connection, name, self._clock.now())
            (held,) = rows.named(connection, [name])
            _fits(held, made, rows.pieces(connection, number), len(pieces))
            if made.model and not held.model:
                values_of = {"model": made.model, "dimensions": made.dimensions}
                connection.execute(update(collection).where(collection.c.id == number).values(**values_of))
            mine = (document.c.collection_id == number) & (document.c.source == values["source"])
            old = connection.execute(select(document.c.id).where(mine)).scalar()
            if old is not None and not replace:
                raise Conflict(f"{name} has a document from {values['source']} already.", "Name another source.")
            if old is not None:
                rows.drop(connection, old, number)
            kept = rows.keep(connection, pieces, made.vectors, collection_id=number, **values)
            uses.begin(connection, self._clock.now(), [kept])
            return rows.documents(connection, document.c.id == kept, 1)[0], old is not None

    def _chunks(self, name: str) -> tuple[Row[Any], list[Row[Any]]]:
        with self._database.read() as connection:
            held = rows.known(connection, name)
            wanted = select(chunk.c.id, chunk.c.heading, chunk.c.text).join(document)
            mine = wanted.where(document.c.collection_id == held.id).order_by(chunk.c.id)
            return held, list(connection.execute(mine))

    def _exchange(self, held: Row[Any], ids: Sequence[int], made: Made) -> None:
        with self._database.tx() as connection:
            wanted = select(collection.c.revision).where(collection.c.id == held.id)
            if connection.execute(wanted).scalar() != held.revision:
                raise Conflict(f"The collection {held.name} was changed meanwhile.", "Do it again.")
            for number, vector in zip(ids, made.vectors, strict=True):
                connection.execute(update(chunk).where(chunk.c.id == number).values(vector=vector))
            values = {"model": made.model, "dimensions": made.dimensions}
            connection.execute(update(collection).where(collection.c.id == held.id).values(**values))
            rows.changed(connection, held.id)
            if after := rows.space(rows.known(connection, held.name)):
                self._vectors.forget(after)

    def _followed(self, name: str) -> str:
        """Let the store of vectors take over what changed; return why it could not, which makes the change no less."""
        try:
            with self._database.read() as connection:
                if space := rows.space(rows.named(connection, [name])[0]):
                    self._vectors.follow(connection, space)
        except (Unavailable, NotFound) as error:
            return f"It is not in {self._vectors.name} yet: {error.detail}"
        return ""


def check(name: str, source: str, keep_days: float | None) -> None:
    """Check what a document is to be called.

    Raises:
        BadInput: the collection's name, the source or the days cannot be.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"{name[:80]!r} is no name of a collection.", "1 to 63 of a-z, 0-9, '.', '_' and '-'.")
    if not source.strip() or len(source) > LONGEST_SOURCE or "\0" in source:
        raise BadInput(f"A document needs a source of 1 to {LONGEST_SOURCE} characters.", "A path, a URL or note:NAME.")
    if keep_days is not None and not 0 < keep_days < 36_500:
        raise BadInput(f"keep_days is {keep_days:g}; more than 0 and less than 36500 would be right.")


def _fits(held: Row[Any], made: Made, there: int, more: int) -> None:
    if made.model and held.model and (made.model, made.dimensions) != (held.model, held.dimensions):
        now = f"{made.model} ({made.dimensions}) embeds now"
        raise Conflict(
            f"The collection {held.name} has vectors of {held.model} ({held.dimensions}); {now}.",
            "Index it anew, or choose another collection: vectors of two models cannot be compared.",
        )
    if there + more > MOST_CHUNKS:
        raise Conflict(f"The collection {held.name} would have over {MOST_CHUNKS} chunks.", "Begin another collection.")
