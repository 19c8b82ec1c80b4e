"""Documents and their pieces, with words and vectors to search by.

Words are found by SQLite's FTS5, or on PostgreSQL by ``knowledge_word_tables``: both stand beside ``knowledge_chunk``
and follow it in the same transaction. A vector is the little-endian float32 of a unit-length vector, or NULL: there is
no zero vector.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from aistack_backend.store.tables import Key, metadata

collection = Table(
    "knowledge_collection",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("model", Text, nullable=False, default=""),  # of the vectors; empty = none yet
    Column("dimensions", Integer),
    Column("revision", Integer, nullable=False, default=0),  # raised by each change of a chunk
    sqlite_autoincrement=True,
)

document = Table(
    "knowledge_document",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("collection_id", Key, ForeignKey("knowledge_collection.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("added_at", Float, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("expires_at", Float),
    UniqueConstraint("collection_id", "source"),
    sqlite_autoincrement=True,
)

chunk = Table(
    "knowledge_chunk",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("document_id", Key, ForeignKey("knowledge_document.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("heading", Text, nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("vector", LargeBinary),
    Index("knowledge_chunk_document", "document_id"),
    sqlite_autoincrement=True,
)

_SQLITE = (
    "CREATE VIRTUAL TABLE knowledge_words USING fts5(heading, text, content='knowledge_chunk', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 2')",
    "CREATE TRIGGER knowledge_words_in AFTER INSERT ON knowledge_chunk BEGIN "
    "INSERT INTO knowledge_words(rowid, heading, text) VALUES (new.id, new.heading, new.text); END",
    "CREATE TRIGGER knowledge_words_out AFTER DELETE ON knowledge_chunk BEGIN INSERT INTO knowledge_words"
    "(knowledge_words, rowid, heading, text) VALUES ('delete', old.id, old.heading, old.text); END",
)


@event.listens_for(chunk, "after_create")
def _words(_: Table, connection: Connection, **__: object) -> None:
    """Make what finds words beside the chunks."""
    if connection.dialect.name == "sqlite":
        for line in _SQLITE:
            connection.exec_driver_sql(line)
