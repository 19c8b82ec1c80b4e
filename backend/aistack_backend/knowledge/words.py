"""Find chunks by words: BM25 of SQLite's FTS5, or of our own index on PostgreSQL, over text and headings.

What is looked for is taken as words only: quotes, operators and wildcards of either language mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, select, text

from aistack_backend.knowledge import folding, word_index
from aistack_backend.knowledge.filters import Filters
from aistack_backend.store.knowledge_tables import chunk, document

MOST_WORDS = 32
"""Words of a question that are looked for; those after them are not."""
STEPS = (4, 100)
"""How many times as many as are wanted the index is asked for, first and again, when what passes is too few."""
_WORD = re.compile(r"\w+")
_FOUND = text(
    "SELECT rowid FROM knowledge_words WHERE knowledge_words MATCH :query "
    "ORDER BY bm25(knowledge_words, 2.0, 1.0), rowid LIMIT :most"
)
_EVERY = 10_000_000


def find(
    connection: Connection,
    question: str,
    collections: Sequence[int],
    most: int,
    filters: Filters | None = None,
    now: float = 0.0,
) -> list[int]:
    """Return the ids of at most ``most`` chunks that have any of the words, the best first."""
    filters = filters or Filters()
    if connection.dialect.name == "sqlite":
        words = _most(_WORD.findall(question.lower()))
        query = " OR ".join(f'"{word}"' for word in words)
        return _by_fts5(connection, query, collections, most, filters, now) if words and collections else []
    words = _most(folding.words(question))
    return word_index.find(connection, words, collections, most, filters, now) if words and collections else []


def keep(connection: Connection, document_id: int) -> None:
    """Let the chunks of a new document be found; FTS5 follows by itself."""
    if connection.dialect.name == "postgresql":
        word_index.keep(connection, document_id)


def drop(connection: Connection, document_id: int) -> None:
    """Let a document be found no more, before its chunks go; FTS5 follows by itself."""
    if connection.dialect.name == "postgresql":
        word_index.drop(connection, document_id)


def _most(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))[:MOST_WORDS]


def _by_fts5(
    connection: Connection, query: str, collections: Sequence[int], most: int, filters: Filters, now: float
) -> list[int]:
    """Ask the index alone, then look at what it gave: joining every chunk that has a word costs three times as much."""
    for limit in (*(most * step for step in STEPS), _EVERY):
        order = list(connection.execute(_FOUND, {"query": query, "most": limit}).scalars())
        kept = _passing(connection, order, collections, filters, now)
        if len(kept) >= most or len(order) < limit:
            return [number for number in order if number in kept][:most]
    return []


def _passing(
    connection: Connection, ids: Sequence[int], collections: Sequence[int], filters: Filters, now: float
) -> set[int]:
    wanted = select(chunk.c.id).join(document, document.c.id == chunk.c.document_id)
    # an expression, so that SQLite begins with the few chunks and not with the collection's documents
    wanted = wanted.where((document.c.collection_id + 0).in_(collections), filters.where(now))
    kept: set[int] = set()
    for at in range(0, len(ids), 500):
        kept.update(connection.execute(wanted.where(chunk.c.id.in_(ids[at : at + 500]))).scalars())
    return kept
