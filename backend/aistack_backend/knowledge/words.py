"""Find chunks by words: BM25 of SQLite's FTS5, or PostgreSQL's text search, over text and headings.

What is looked for is taken as words only: quotes, operators and wildcards of either language mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, literal, literal_column, select, table, text

from aistack_backend.knowledge.filters import Filters
from aistack_backend.store.knowledge_tables import chunk, document

MOST_WORDS = 32
"""Words of a question that are looked for; those after them are not."""
_WORD = re.compile(r"\w+")
_RANK = "bm25(knowledge_words, 2.0, 1.0)"


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
    wanted = select(chunk.c.id).join(document, document.c.id == chunk.c.document_id)
    wanted = wanted.where(document.c.collection_id.in_(collections), (filters or Filters()).where(now)).limit(most)
    if connection.dialect.name == "sqlite":
        found = table("knowledge_words")
        match = text("knowledge_words MATCH :query").bindparams(query=" OR ".join(f'"{word}"' for word in words))
        wanted = wanted.join(found, literal_column("knowledge_words.rowid") == chunk.c.id).where(match)
        order: ColumnElement[float] = literal_column(_RANK)
    else:
        query = func.to_tsquery("simple", " | ".join(f"'{word}'" for word in words))
        vector = func.to_tsvector(literal_column("'simple'"), chunk.c.heading + literal_column("' '") + chunk.c.text)
        wanted = wanted.where(vector.op("@@")(query))
        order = func.ts_rank_cd(vector, query, literal(1)).desc()
    return [int(number) for number in connection.execute(wanted.order_by(order, chunk.c.id)).scalars()]
