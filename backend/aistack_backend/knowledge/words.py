"""Find chunks by words: BM25 of SQLite's FTS5, or PostgreSQL's text search, over text and headings.

What is looked for is taken as words only: quotes, operators and wildcards of either language mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, func, literal, literal_column, select, text

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
    words = list(dict.fromkeys(_WORD.findall(question.lower())))[:MOST_WORDS]
    if not words or not collections:
        return []
    filters = filters or Filters()
    if connection.dialect.name == "sqlite":
        return _by_fts5(connection, " OR ".join(f'"{word}"' for word in words), collections, most, filters, now)
    wanted = select(chunk.c.id).join(document, document.c.id == chunk.c.document_id)
    wanted = wanted.where(document.c.collection_id.in_(collections), filters.where(now))
    query = func.to_tsquery("simple", " | ".join(f"'{word}'" for word in words))
    vector = func.to_tsvector(literal_column("'simple'"), chunk.c.heading + literal_column("' '") + chunk.c.text)
    order = func.ts_rank_cd(vector, query, literal(1)).desc()
    wanted = wanted.where(vector.op("@@")(query)).order_by(order, chunk.c.id).limit(most)
    return [int(number) for number in connection.execute(wanted).scalars()]


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
