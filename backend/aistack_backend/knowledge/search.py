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
from aistack_backend.knowledge.fusion import fused
from aistack_backend.knowledge.port import Embeds
from aistack_backend.knowledge.vectors import Exact
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, collection, document
from aistack_backend.wire.knowledge import Hit, SearchAnswer, SearchMode

LONGEST = 2_000
"""Characters of a question."""
MOST = 50
"""Hits of one search."""
DEPTH = 100
"""How far down each of the two orders is looked at."""


@dataclass
class _Looked:
    mode: SearchMode
    detail: str = ""
    words: list[int] = field(default_factory=list)
    meaning: list[tuple[int, float]] = field(default_factory=list)


class Search:
    """Looks through the collections."""

    def __init__(self, database: Database, clock: Clock, embeds: Embeds) -> None:
        self._database, self._clock, self._embeds = database, clock, embeds
        self._exact = Exact()

    async def find(
        self, question: str, names: Sequence[str] = (), most: int = 10, mode: SearchMode = SearchMode.BOTH
    ) -> SearchAnswer:
        """Return the best pieces of these collections (all when none is named).

        A search by both looks by words alone where no model embeds or a collection's vectors are another model's, and
        says so. Documents whose time is over are not found.

        Raises:
            BadInput: the question is empty or too long, ``most`` or ``mode`` cannot be. NotFound: no such collection.
            Unavailable: by meaning was asked, and nothing can say what it means.
        """
        if not question.strip() or len(question) > LONGEST or "\0" in question:
            raise BadInput(f"A question has 1 to {LONGEST} characters.")
        if not 1 <= most <= MOST or mode is SearchMode.UNKNOWN:
            raise BadInput(f"A search returns 1 to {MOST} hits, by both, words or meaning.")
        began = self._clock.mono()
        made, why = None, ""
        if mode is not SearchMode.WORDS:
            try:
                made = await self._embeds.embed([question])
            except Unavailable as error:
                if mode is SearchMode.MEANING:
                    raise
                why = f"By words only: {error.detail}"
        return await asyncio.to_thread(self._look, question, names, most, _Looked(mode, why), made, began)

    def _look(
        self, question: str, names: Sequence[str], most: int, looked: _Looked, made: Embeddings | None, began: float
    ) -> SearchAnswer:
        with self._database.read() as connection:
            held = [rows.known(connection, name) for name in names] or rows.collections(connection)
            if looked.mode is not SearchMode.MEANING:
                looked.words = words.find(connection, question, [one.id for one in held], DEPTH)
            if made is not None:
                self._by_meaning(connection, held, made, looked)
            elif looked.mode is SearchMode.BOTH:
                looked.mode = SearchMode.WORDS
            hits = _hits(connection, looked, most, self._clock.now())
        searched = sum(one.chunks or 0 for one in held)
        took = self._clock.mono() - began
        return SearchAnswer(hits=hits, mode=looked.mode, searched=searched, took=took, detail=looked.detail)

    def _by_meaning(self, connection: Connection, held: Sequence[Row[Any]], made: Embeddings, looked: _Looked) -> None:
        mine = [one for one in held if (one.model, one.dimensions) == (made.model, made.dimensions)]
        others = [f"{one.name} ({one.model or 'no vectors'})" for one in held if one not in mine and one.chunks]
        if others:
            sentence = f"Not by meaning in {', '.join(others)}: {made.model} embeds now."
            if looked.mode is SearchMode.MEANING and not mine:
                raise Unavailable(sentence, "Index it anew.", kind="other-model")
            looked.detail = f"{sentence} Index anew to change that."
        looked.meaning = self._exact.find(connection, [one.id for one in mine], made.vectors[0], DEPTH)


def _hits(connection: Connection, looked: _Looked, most: int, now: float) -> tuple[Hit, ...]:
    by_words = {number: rank for rank, number in enumerate(looked.words, 1)}
    by_meaning = {number: (rank, cosine) for rank, (number, cosine) in enumerate(looked.meaning, 1)}
    order = fused(looked.words, [number for number, _ in looked.meaning])
    wanted = (
        select(chunk, document.c.title, document.c.source, document.c.expires_at, collection.c.name.label("collection"))
        .join(document, document.c.id == chunk.c.document_id)
        .join(collection, collection.c.id == document.c.collection_id)
        .where(chunk.c.id.in_([number for number, _ in order]))
    )
    found = {row.id: row for row in connection.execute(wanted) if row.expires_at is None or row.expires_at > now}
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
            )
        )
    return tuple(hits)
