"""Open the database: SQLite file (WAL, FULL) or PostgreSQL by URL, and make our tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy.orm  # noqa: F401  (loaded now: two threads that first need it at once see half of it)
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.store import faults, schema

BUSY_MS = 30_000
"""How long a writer waits for SQLite's write lock (``facts/durable.md``, settings to start from)."""
CONNECTIONS = 16
"""Connections kept in the pool; as many again may be opened under load."""
WRITER_LOCK = 0x61_69_73_74_61_63_6B
"""PostgreSQL advisory lock of the one writer (``aistack`` in ASCII); SQLite has its own write lock."""
_AFTER = "aistack_after"


class Database:
    """One SQLAlchemy engine; ``tx()`` is a write transaction, ``read()`` a snapshot that takes no write lock.

    Write transactions run one at a time on both kinds of database: the audit chain needs that order, and
    it rules out deadlocks between them. Keep them short and never wait for the outside inside one.
    A transaction begun on ``engine`` directly (DBOS does) takes SQLite's write lock at once, too.
    """

    def __init__(self, url: str) -> None:
        """Open ``sqlite:///FILE`` or ``postgresql+psycopg://…`` and create missing tables.

        Raises:
            Unavailable: cannot be opened or written, is damaged, or a newer version wrote it; the sentence
                names the place.
        """
        self.url = url
        self.place = _place(url)
        with faults.explained(self.place):
            self.engine = _engine(url)
            self._reader = self.engine.execution_options(aistack_read=True, **_snapshot(self.engine))
            try:
                with self.tx() as connection:
                    schema.ensure(connection, self.place)
            except BaseException:
                self.close()
                raise

    @contextmanager
    def tx(self) -> Iterator[Connection]:
        """Begin a write transaction (IMMEDIATE on SQLite); commit at the end, roll back on any error.

        Raises:
            Unavailable: the database cannot be used now (locked, full, read-only, damaged, gone).
        """
        with faults.explained(self.place), self.engine.connect() as connection:
            hooks: list[Callable[[], None]] = []
            connection.info[_AFTER] = hooks
            try:
                with connection.begin():
                    lock_writers(connection)
                    yield connection
            except BaseException:
                connection.info.pop(_AFTER, None)
                for hook in hooks:
                    with suppress(BackendError):  # the first error is the one to tell
                        hook()
                raise
            connection.info.pop(_AFTER, None)
        for hook in hooks:
            hook()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection whose reads see one snapshot; what is written on it is not kept.

        Raises:
            Unavailable: as ``tx``.
        """
        with faults.explained(self.place), self._reader.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def after(connection: Connection, hook: Callable[[], None]) -> bool:
    """Run ``hook`` once the ``tx()`` of ``connection`` has ended, committed or not.

    Returns False, and forgets the hook, when the connection was not given by ``tx()``.
    """
    hooks = connection.info.get(_AFTER)
    if hooks is None:
        return False
    hooks.append(hook)
    return True


def lock_writers(connection: Connection) -> None:
    """Make this transaction the only writer until it ends (on SQLite it is already)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})


def _snapshot(engine: Engine) -> dict[str, Any]:
    """Return what makes several reads see one moment: SQLite does so by itself, PostgreSQL when it is told."""
    return {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}


def _place(url: str) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.database or ":memory:"
    return parsed.render_as_string(hide_password=True)


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=CONNECTIONS, max_overflow=CONNECTIONS)
    _make_private(_place(url))
    pool: dict[str, Any] = {} if _place(url) == ":memory:" else {"pool_size": CONNECTIONS, "max_overflow": CONNECTIONS}
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000}, **pool)
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(place: str) -> None:
    """Create the file 0600 before SQLite does it with the umask; its WAL takes the same mode."""
    if place == ":memory:":
        return
    try:
        Path(place).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(place, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Unavailable(
            f"The database {place} cannot be opened: {error.strerror}.",
            "Make the folder writable for this user, or set AISTACK_DATA_DIR to another one.",
        ) from error


def _pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    raw: Any = connection
    raw.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    mode = cursor.fetchone()
    if mode is None or mode[0] not in ("wal", "memory"):
        raise Unavailable(
            f"SQLite could not switch its journal to WAL (it says {mode and mode[0]!r}).",
            "Put the data directory on a local file system.",
        )
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("aistack_read", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
