"""The index of words on PostgreSQL, whose own text search knows no rare words: kept beside the chunks, ranked by BM25.

The ranking is FTS5's (k1 = 1.2, b = 0.75, a word of the heading counts twice). The words go to the server as values; no
query language reads them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Float, Row, Text, cast, func, insert, literal, select, text

from aistack_backend.knowledge import folding
from aistack_backend.knowledge.filters import Filters
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, document
from aistack_backend.store.knowledge_word_tables import piece_words, word

WEIGHED = 5_000
"""Pieces that one look weighs, about: those that have the rarest words."""
BATCH = 500
"""Pieces that one transaction takes into the index."""
_K1, _B = 1.2, 0.75
_HEADING = 2
_UNINDEXED = text("DROP INDEX IF EXISTS knowledge_chunk_words")
_MORE = text(
    "INSERT INTO knowledge_word (word, pieces, length) "
    "SELECT * FROM unnest(CAST(:words AS text[]), CAST(:pieces AS bigint[]), CAST(:lengths AS bigint[])) "
    "ON CONFLICT (word) DO UPDATE SET pieces = knowledge_word.pieces + excluded.pieces, "
    "length = knowledge_word.length + excluded.length"
)
_LESS = text(
    "WITH gone AS (DELETE FROM knowledge_piece_words WHERE document_id = :document RETURNING length, times), "
    "less AS (SELECT key, count(*) AS pieces, sum(length) AS length FROM gone, jsonb_object_keys(times) AS key "
    "GROUP BY key UNION ALL SELECT '', count(*), coalesce(sum(length), 0) FROM gone) "
    "UPDATE knowledge_word SET pieces = knowledge_word.pieces - less.pieces, "
    "length = knowledge_word.length - less.length FROM less WHERE word = less.key"
)
_COUNTED = text(
    "SELECT (SELECT count(*) FROM knowledge_piece_words) = "
    "coalesce((SELECT pieces FROM knowledge_word WHERE word = ''), 0)"
)
_EMPTIED = text("DELETE FROM knowledge_word")
_RECOUNTED = text(
    "INSERT INTO knowledge_word (word, pieces, length) SELECT key, count(*), sum(length) "
    "FROM knowledge_piece_words, jsonb_object_keys(times) AS key GROUP BY key "
    "UNION ALL SELECT '', count(*), coalesce(sum(length), 0) FROM knowledge_piece_words"
)
_NONE = text("DELETE FROM knowledge_word WHERE pieces <= 0")


def keep(connection: Connection, document_id: int) -> None:
    """Take the chunks of a new document into the index."""
    _take(connection, list(connection.execute(_chunks().where(chunk.c.document_id == document_id))))


def drop(connection: Connection, document_id: int) -> None:
    """Take a document out of the index, before its chunks go."""
    connection.execute(_LESS, {"document": document_id})


def catch_up(database: Database) -> int:
    """Take every chunk into the index that is not in it, as those of an older version; return how many there were.

    Each ``BATCH`` is a transaction of its own: what is cut off goes on the next time. Where an older version removed
    chunks, the words are counted anew.

    Raises:
        Unavailable: the database cannot be used now.
    """
    if database.engine.dialect.name != "postgresql":
        return 0
    with database.tx() as connection:
        connection.execute(_UNINDEXED)
        if not connection.execute(_COUNTED).scalar():
            connection.execute(_EMPTIED)
            connection.execute(_RECOUNTED)
        connection.execute(_NONE)
    taken, after = 0, 0
    inside = select(piece_words.c.chunk_id).where(piece_words.c.chunk_id == chunk.c.id).exists()
    while True:
        with database.tx() as connection:
            missing = _chunks().where(chunk.c.id > after, ~inside).order_by(chunk.c.id).limit(BATCH)
            rows = list(connection.execute(missing))
            _take(connection, rows)
        taken += len(rows)
        if len(rows) < BATCH:
            return taken
        after = rows[-1].id


def find(
    connection: Connection, words: Sequence[str], collections: Sequence[int], most: int, filters: Filters, now: float
) -> list[int]:
    """Return the ids of at most ``most`` chunks that have any of the words, the best first.

    The pieces with the rarest words are weighed, about ``WEIGHED`` of them. Where too few of those pass, as many that
    have only the commoner words follow them; with more than that, it is any of them.
    """
    known = {row.word: row for row in connection.execute(select(word).where(word.c.word.in_(["", *words])))}
    every = known.pop("", None)
    if every is None or not known:
        return []
    asked = sorted(known.values(), key=lambda row: (row.pieces, row.word))
    score = _score(asked, max(every.pieces, 1), max(every.length, 1))
    passing = (document.c.collection_id.in_(collections), filters.where(now))
    rarest = _rarest(asked)
    found = _best(connection, score, rarest, (), passing, most)
    if len(found) < most and len(rarest) < len(asked):
        others = [row.word for row in asked[len(rarest) :]]
        found += _best(connection, score, others, found, passing, most - len(found))
    return found


def _chunks() -> Any:
    return select(chunk.c.id, chunk.c.document_id, chunk.c.heading, chunk.c.text)


def _take(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    if not rows:
        return
    pieces: Counter[str] = Counter()
    lengths: Counter[str] = Counter()
    taken: list[dict[str, Any]] = []
    for row in rows:
        heading, body = folding.words(row.heading), folding.words(row.text)
        times, length = Counter(body), len(heading) + len(body)
        times.update(heading * _HEADING)
        for one in ("", *times):
            pieces[one] += 1
            lengths[one] += length
        taken.append({"chunk_id": row.id, "document_id": row.document_id, "length": length, "times": times})
    connection.execute(insert(piece_words), taken)
    values = {"words": list(pieces), "pieces": list(pieces.values()), "lengths": list(lengths.values())}
    connection.execute(_MORE, values)


def _score(asked: Sequence[Row[Any]], pieces: int, length: int) -> ColumnElement[float]:
    """Return BM25 as FTS5 computes it; a word that most pieces have counts next to nothing."""
    dense = literal(_K1 * _B * pieces / length, Float) * piece_words.c.length + literal(_K1 * (1 - _B), Float)
    score: ColumnElement[float] = literal(0.0, Float)
    for row in asked:
        rare = max(1e-6, math.log((max(pieces - row.pieces, 0) + 0.5) / (max(row.pieces, 0) + 0.5)))
        times = cast(piece_words.c.times.op("->>")(cast(row.word, Text)), Float)
        score = score + func.coalesce(literal(rare * (_K1 + 1), Float) * times / (times + dense), 0.0)
    return score


def _rarest(asked: Sequence[Row[Any]]) -> list[str]:
    taken, pieces = [asked[0].word], asked[0].pieces
    for row in asked[1:]:
        pieces += row.pieces
        if pieces > WEIGHED:
            break
        taken.append(row.word)
    return taken


def _best(
    connection: Connection,
    score: ColumnElement[float],
    words: Sequence[str],
    but: Sequence[int],
    passing: Sequence[ColumnElement[bool]],
    most: int,
) -> list[int]:
    """Return the best chunks that have one of ``words``, of at most ``WEIGHED`` that pass."""
    having = piece_words.c.times.op("?|", is_comparison=True)(cast(list(words), ARRAY(Text)))
    some = (
        select(piece_words.c.chunk_id, score.label("score"))
        .join(document, document.c.id == piece_words.c.document_id)
        .where(having, piece_words.c.chunk_id.not_in(list(but)), *passing)
        .limit(WEIGHED)
        .subquery()
    )
    wanted = select(some.c.chunk_id).order_by(some.c.score.desc(), some.c.chunk_id).limit(most)
    return [int(number) for number in connection.execute(wanted).scalars()]
