"""Open the database: SQLite file (WAL, FULL) or PostgreSQL by URL, and make our tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from aistack_backend.store.tables import metadata

BUSY_MS = 30_000
"""How long a writer waits for SQLite's write lock (``facts/durable.md``, settings to start from)."""


class Database:
    """One SQLAlchemy engine; ``tx()`` is a write transaction, ``read()`` a plain connection."""

    def __init__(self, url: str) -> None:
        """Open ``sqlite:///FILE`` or ``postgresql+psycopg://…`` and create missing tables.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be opened or written.
        """
        self.url = url
        self.engine = _engine(url)
        metadata.create_all(self.engine)

    @contextmanager
    def tx(self) -> Iterator[Connection]:
        """Begin a write transaction (IMMEDIATE on SQLite); commit at the end, roll back on any error."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading."""
        with self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    raw: Any = connection
    raw.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
