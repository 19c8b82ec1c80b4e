"""What is published about NixOS: sources and their entries, with words to search by.

A source is read in while the one before it answers; ``current`` says which of them does. Words are found by SQLite's
FTS5 or PostgreSQL's text search over ``keys`` (a name taken apart) and ``text``.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Connection, Float, ForeignKey, Index, Integer, Table, Text, event

from aistack_backend.store.tables import Key, metadata

source = Table(
    "nixos_source",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("version", Text, nullable=False, default=""),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("entries", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("imported_at", Float, nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("published_at", Float),
    Column("current", Boolean, nullable=False, default=False),  # false = being read in, or replaced
    sqlite_autoincrement=True,
)

entry = Table(
    "nixos_entry",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("source_id", Key, ForeignKey("nixos_source.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # the name in small letters
    Column("title", Text, nullable=False, default=""),
    Column("keys", Text, nullable=False),
    Column("text", Text, nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),  # JSON of the rest
    Index("nixos_entry_folded", "source_id", "folded"),
    sqlite_autoincrement=True,
)

_SQLITE = (
    "CREATE VIRTUAL TABLE nixos_words USING fts5(keys, text, content='nixos_entry', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 2', prefix='3')",
    "CREATE TRIGGER nixos_words_in AFTER INSERT ON nixos_entry BEGIN "
    "INSERT INTO nixos_words(rowid, keys, text) VALUES (new.id, new.keys, new.text); END",
    "CREATE TRIGGER nixos_words_out AFTER DELETE ON nixos_entry BEGIN INSERT INTO nixos_words"
    "(nixos_words, rowid, keys, text) VALUES ('delete', old.id, old.keys, old.text); END",
)
_POSTGRESQL = (
    "CREATE INDEX nixos_entry_words ON nixos_entry USING gin "
    "((setweight(to_tsvector('simple', keys), 'A') || setweight(to_tsvector('simple', text), 'D')))",
)


@event.listens_for(entry, "after_create")
def _words(_: Table, connection: Connection, **__: object) -> None:
    """Make what finds words beside the entries."""
    for line in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(line)
