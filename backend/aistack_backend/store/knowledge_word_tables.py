"""The index of words that PostgreSQL searches by: what stands in each piece, and in how many pieces a word stands.

SQLite has its own (FTS5); there these tables stay empty.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from aistack_backend.store.tables import Key, metadata

piece_words = Table(
    "knowledge_piece_words",
    metadata,
    # with its chunk it goes, also where a version removes it that knows nothing of this table
    Column(
        "chunk_id", Key, ForeignKey("knowledge_chunk.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    Column("document_id", Key, nullable=False),
    Column("length", Integer, nullable=False),  # its words
    Column("times", JSON().with_variant(JSONB, "postgresql"), nullable=False),  # word → how often; in the heading twice
    Index("knowledge_piece_words_document", "document_id"),
    Index("knowledge_piece_words_times", "times", postgresql_using="gin").ddl_if(dialect="postgresql"),
    # a row is longer than PostgreSQL likes; unpacking it for each search would cost more than the room
    postgresql_with={"toast_tuple_target": 8160},
)

word = Table(
    "knowledge_word",
    metadata,
    Column("word", Text, primary_key=True),  # the empty one stands for all
    Column("pieces", BigInteger, nullable=False),  # that have it
    Column("length", BigInteger, nullable=False),  # all words of those pieces
)
