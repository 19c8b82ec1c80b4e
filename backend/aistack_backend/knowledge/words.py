"""Find chunks by words: BM25 of SQLite's FTS5, or PostgreSQL's text search, over text and headings.

What is looked for is taken as words only: quotes, operators and wildcards of either language mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, text

MOST_WORDS = 32
"""Words of a question that are looked for; those after them are not."""
_WORD = re.compile(r"\w+")
_SQLITE = """
SELECT c.id FROM knowledge_words JOIN knowledge_chunk c ON c.id = knowledge_words.rowid
JOIN knowledge_document d ON d.id = c.document_id
WHERE knowledge_words MATCH :query AND d.collection_id IN :collections
ORDER BY bm25(knowledge_words, 2.0, 1.0), c.id LIMIT :most
"""
_POSTGRES = """
SELECT c.id FROM knowledge_chunk c JOIN knowledge_document d ON d.id = c.document_id,
to_tsquery('simple', :query) AS query
WHERE to_tsvector('simple', c.heading || ' ' || c.text) @@ query AND d.collection_id IN :collections
ORDER BY ts_rank_cd(to_tsvector('simple', c.heading || ' ' || c.text), query, 1) DESC, c.id LIMIT :most
"""


def find(connection: Connection, question: str, collections: Sequence[int], most: int) -> list[int]:
    """Return the ids of at most ``most`` chunks that have any of the words, the best first."""
    words = list(dict.fromkeys(_WORD.findall(question.lower())))[:MOST_WORDS]
    if not words or not collections:
        return []
    if connection.dialect.name == "sqlite":
        sql, query = _SQLITE, " OR ".join(f'"{word}"' for word in words)
    else:
        sql, query = _POSTGRES, " | ".join(f"'{word}'" for word in words)
    wanted = text(sql).bindparams(bindparam("collections", expanding=True))
    values = {"query": query, "collections": list(collections), "most": most}
    return [int(row.id) for row in connection.execute(wanted, values)]
