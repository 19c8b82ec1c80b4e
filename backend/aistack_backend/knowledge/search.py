"""Search by words and by meaning; each hit says why it was found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference.models import Embeddings
from aistack_backend.knowledge import rows, words
from aistack_backend.knowledge.filters import Filters, allowed
from aistack_backend.knowledge.fusion import fused
from aistack_backend.knowledge.port import Embeds
from aistack_backend.knowledge.stores.exact import Exact
from aistack_backend.knowledge.stores.port import VectorStore
from aistack_backend.knowledge.uses import Uses
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, collection, document
from aistack_backend.wire.knowledge import Hit, SearchAnswer, SearchMode

LONGEST = 10_240
"""Bytes of a question in UTF-8."""
MOST = 100
"""Hits of one search."""
DEPTH = 100
"""How far down each of the two orders is looked at."""


@dataclass
class _Looked:
    mode: SearchMode
    filters: Filters
    now: float
    detail: list[str] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    meaning: list[tuple[int, float]] = field(default_factory=list)
    vectors: str = ""


class Search:
    """Looks through the collections."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        embeds: Embeds,
        vectors: VectorStore | None = None,
        uses: Uses | None = None,
    ) -> None:
        """``uses`` counts what is found; None = it is not counted."""
        self._database, self._clock, self._embeds, self._uses = database, clock, embeds, uses
        self._vectors: VectorStore = vectors or Exact()
        self._counted: dict[int, tuple[int, int]] = {}
        """Collection → revision and chunks."""

    async def find(
        self,
        question: str,
        names: Sequence[str] = (),
        most: int = 10,
        mode: SearchMode = SearchMode.BOTH,
        filters: Filters | None = None,
    ) -> SearchAnswer:
        """Return the best pieces of these collections (all when none is named) in the documents that pass ``filters``.

        A search by both looks by words alone where no model embeds, a collection's vectors are another model's, or the
        store of vectors does not answer, and says so. Documents whose time is over are not found.

        Raises:
            BadInput: the question is empty or too long, or the rest cannot be. NotFound: no such collection.
            Unavailable: by meaning was asked, and nothing can say what it means or find it.
        """
        check(question, most, mode)
        filters = filters or Filters()
        filters.check()
        began = self._clock.mono()
        looked, made = _Looked(mode, filters, self._clock.now()), None
        if mode is not SearchMode.WORDS:
            try:
                made = await self._embeds.embed([question])
            except (Unavailable, BadInput) as error:  # BadInput: it has more tokens than the model takes
                if mode is SearchMode.MEANING:
                    raise
                looked.detail.append(f"By words only: {error.detail}")
        found = await asyncio.to_thread(self._look, question, names, most, looked, made, began)
        if self._uses is not None and found.hits:
            await asyncio.to_thread(self._uses.found, [hit.document_id for hit in found.hits])
        return found

    async def nearest(self, name: str, wanted: Sequence[float], most: int = 10) -> SearchAnswer:
        """Return the pieces of one collection whose vectors are nearest to one that the caller made.

        Raises:
            BadInput: it has not the length of the collection's. NotFound: no such collection. Unavailable: it has no
            vectors, or their store does not answer.
        """
        check("x", most, SearchMode.MEANING)
        return await asyncio.to_thread(self._nearest, name, wanted, most)

    def _nearest(self, name: str, wanted: Sequence[float], most: int) -> SearchAnswer:
        began, looked = self._clock.mono(), _Looked(SearchMode.MEANING, Filters(), self._clock.now())
        with self._database.read() as connection:
            (held,) = rows.named(connection, [name])
            if rows.space(held) is None:
                raise Unavailable(f"The collection {name} has no vectors.", "Index it anew.", kind="other-model")
            self._ask(connection, [held], wanted, looked)
            return self._answer(connection, [held], looked, most, began)

    def _look(
        self, question: str, names: Sequence[str], most: int, looked: _Looked, made: Embeddings | None, began: float
    ) -> SearchAnswer:
        with self._database.read() as connection:
            held = rows.named(connection, names)
            if looked.mode is not SearchMode.MEANING:
                numbers = [one.id for one in held]
                looked.words = words.find(connection, question, numbers, DEPTH, looked.filters, looked.now)
            if made is not None:
                self._by_meaning(connection, held, made, looked)
            elif looked.mode is SearchMode.BOTH:
                looked.mode = SearchMode.WORDS
            return self._answer(connection, held, looked, most, began)

    def _by_meaning(self, connection: Connection, held: Sequence[Row[Any]], made: Embeddings, looked: _Looked) -> None:
        mine = [one for one in held if (one.model, one.dimensions) == (made.model, made.dimensions)]
        others = [
            f"{one.name} ({one.model or 'no vectors'})"
            for one in held
            if one not in mine and self._pieces(connection, one)
        ]
        if others:
            sentence = f"Not by meaning in {', '.join(others)}: {made.model} embeds now."
            if looked.mode is SearchMode.MEANING and not mine:
                raise Unavailable(sentence, "Index it anew.", kind="other-model")
            looked.detail.append(f"{sentence} Index anew to change that.")
        try:
            self._ask(connection, mine, made.vectors[0], looked)
        except Unavailable as error:
            if looked.mode is SearchMode.MEANING:
                raise
            looked.mode = SearchMode.WORDS
            looked.detail.append(f"By words only: {error.detail}")

    def _ask(self, connection: Connection, held: Sequence[Row[Any]], wanted: Sequence[float], looked: _Looked) -> None:
        spaces = [space for one in held if (space := rows.space(one))]
        if spaces:
            only = allowed(connection, looked.filters, [space.id for space in spaces], looked.now)
            looked.meaning = self._vectors.find(connection, spaces, wanted, DEPTH, only)
            looked.vectors = self._vectors.name

    def _answer(
        self, connection: Connection, held: Sequence[Row[Any]], looked: _Looked, most: int, began: float
    ) -> SearchAnswer:
        return SearchAnswer(
            hits=_hits(connection, looked, most),
            mode=looked.mode,
            searched=sum(self._pieces(connection, one) for one in held),
            took=self._clock.mono() - began,
            detail=" ".join(looked.detail),
            vectors=looked.vectors,
        )

    def _pieces(self, connection: Connection, one: Row[Any]) -> int:
        """Return how many chunks a collection has; counted once for each revision."""
        known = self._counted.get(one.id)
        if known is None or known[0] != one.revision:
            known = self._counted[one.id] = (one.revision, rows.pieces(connection, one.id))
        return known[1]


def check(question: str, most: int, mode: SearchMode) -> None:
    """Check what is asked.

    Raises:
        BadInput: the question is empty or too long, ``most`` or ``mode`` cannot be.
    """
    if not question.strip() or len(question.encode(errors="replace")) > LONGEST or "\0" in question:
        raise BadInput(f"A question has 1 to {LONGEST} bytes.")
    if not 1 <= most <= MOST or mode is SearchMode.UNKNOWN:
        raise BadInput(f"A search returns 1 to {MOST} hits, by both, words or meaning.")


def cited(title: str, heading: str, source: str, start: int, end: int) -> str:
    """Return one line that says where a piece stands."""
    place = f"{source}, characters {start} to {end}"
    return f"{title} › {heading} ({place})" if heading and heading != title else f"{title} ({place})"


_SHOWN = (chunk.c.id, chunk.c.document_id, chunk.c.heading, chunk.c.text, chunk.c.start, chunk.c.end)


def _hits(connection: Connection, looked: _Looked, most: int) -> tuple[Hit, ...]:
    by_words = {number: rank for rank, number in enumerate(looked.words, 1)}
    by_meaning = {number: (rank, cosine) for rank, (number, cosine) in enumerate(looked.meaning, 1)}
    order = fused(looked.words, [number for number, _ in looked.meaning])
    wanted = (
        select(*_SHOWN, document.c.title, document.c.source, collection.c.name.label("collection"))
        .join(document, document.c.id == chunk.c.document_id)
        .join(collection, collection.c.id == document.c.collection_id)
        .where(chunk.c.id.in_([number for number, _ in order]), looked.filters.where(looked.now))
    )
    found = {row.id: row for row in connection.execute(wanted)}
    hits: list[Hit] = []
    for number, score in order:
        if (row := found.get(number)) is None or len(hits) == most:
            continue
        rank, cosine = by_meaning.get(number, (None, None))
        hits.append(
            Hit(
                chunk_id=number,
                document_id=row.document_id,
                collection=row.collection,
                title=row.title,
                source=row.source,
                heading=row.heading,
                text=row.text,
                start=row.start,
                end=row.end,
                score=score,
                words_rank=by_words.get(number),
                meaning_rank=rank,
                cosine=cosine,
                citation=cited(row.title, row.heading, row.source, row.start, row.end),
            )
        )
    return tuple(hits)
