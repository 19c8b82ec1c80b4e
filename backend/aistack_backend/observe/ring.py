"""A bounded SQLite file of metrics, states and events: the newest stay, the oldest make room.

Losing the last seconds in a power cut is accepted (synchronous NORMAL): these are measurements, not decisions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from aistack_backend.observe import moments
from aistack_backend.wire.host import Series
from aistack_backend.wire.past import Past

TABLES = """
CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS metric (id INTEGER PRIMARY KEY, name INTEGER NOT NULL, at REAL NOT NULL,
    value REAL NOT NULL);
CREATE INDEX IF NOT EXISTS metric_name_at ON metric (name, at);
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, at REAL NOT NULL, object TEXT NOT NULL, name TEXT NOT NULL,
    state TEXT NOT NULL, health TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS happening (id INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL,
    object TEXT NOT NULL, name TEXT NOT NULL, action TEXT NOT NULL);
"""
PAGE = 4096
SHARE = 10
"""One in so many rows is dropped when the file has reached its size."""
POINTS = 2_000
"""Most points of a series; more are averaged over equal stretches of time."""


class Metric(NamedTuple):
    """One value of a named series."""

    name: str
    at: float
    value: float


class State(NamedTuple):
    """A container's state from ``at`` on."""

    at: float
    object: str
    name: str
    state: str
    health: str


class Happening(NamedTuple):
    """One event of the feed."""

    at: float
    who: str
    text: str
    object: str
    name: str
    action: str


class Batch(NamedTuple):
    """What is written together."""

    metrics: list[Metric]
    states: list[State]
    events: list[Happening]


class Ring:
    """Bounded by rows and by bytes. Every method may be called from any one thread at a time."""

    def __init__(self, path: Path, max_bytes: int, max_rows: int) -> None:
        """Open or make the file.

        Raises:
            sqlite3.DatabaseError: the file is damaged, or cannot be opened or written.
        """
        self.path = path
        self._max_rows = max_rows
        self._names: dict[str, int] = {}
        self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(max_bytes)
        except sqlite3.Error:
            self._db.close()
            raise

    def write(self, batch: Batch) -> None:
        """Append a batch in one transaction and drop what is over the bounds.

        Raises:
            sqlite3.OperationalError: no room on the disk even after dropping the oldest.
            sqlite3.DatabaseError: the file is damaged.
        """
        try:
            self._append(batch)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            self._drop_share()
            self._append(batch)
        for table in ("metric", "state", "happening"):
            self._trim(table)

    def series(self, name: str, since: float, until: float) -> Series:
        """Return a metric's values from ``since`` on, oldest first, averaged where there are over ``POINTS``."""
        width = max((until - since) / POINTS, 1e-6)
        rows = self._db.execute(
            "SELECT avg(m.at), avg(m.value) FROM metric m JOIN name n ON n.id = m.name"
            " WHERE n.name = ? AND m.at >= ? AND m.at <= ? GROUP BY CAST((m.at - ?) / ? AS INTEGER) ORDER BY 1",
            (name, since, until, since, width),
        ).fetchall()
        return Series(name=name, times=tuple(row[0] for row in rows), values=tuple(row[1] for row in rows))

    def happenings(self, name: str, most: int) -> list[Happening]:
        """Return the newest events, newest first; with one object's ``name`` only that one's."""
        rows = self._db.execute(
            "SELECT at, who, text, object, name, action FROM happening WHERE ? IN ('', name) ORDER BY id DESC LIMIT ?",
            (name, most),
        )
        return [Happening(*row) for row in rows]

    def moment(self, at: float) -> Past:
        """Return what was recorded of a moment."""
        return moments.moment(self._db, at)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _prepare(self, max_bytes: int) -> None:
        for pragma in (
            f"page_size={PAGE}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "journal_size_limit=4194304",
            f"max_page_count={max_bytes // PAGE}",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(TABLES)
        self._db.execute("DELETE FROM name WHERE NOT EXISTS (SELECT 1 FROM metric WHERE metric.name = name.id)")
        self._names = {name: key for key, name in self._db.execute("SELECT id, name FROM name")}

    def _append(self, batch: Batch) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            known = self._named({metric.name for metric in batch.metrics})
            rows = ((known[metric.name], metric.at, metric.value) for metric in batch.metrics)
            self._db.executemany("INSERT INTO metric (name, at, value) VALUES (?, ?, ?)", rows)
            self._db.executemany(
                "INSERT INTO state (at, object, name, state, health) VALUES (?, ?, ?, ?, ?)", batch.states
            )
            self._db.executemany(
                "INSERT INTO happening (at, who, text, object, name, action) VALUES (?, ?, ?, ?, ?, ?)", batch.events
            )
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._names = known

    def _named(self, wanted: Iterable[str]) -> dict[str, int]:
        known = dict(self._names)
        for name in wanted:
            if name not in known:
                cursor = self._db.execute("INSERT INTO name (name) VALUES (?)", (name,))
                known[name] = cursor.lastrowid or 0
        return known

    def _trim(self, table: str) -> None:
        self._db.execute(f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (self._max_rows,))  # noqa: S608  our own names

    def _drop_share(self) -> None:
        for table in ("metric", "state", "happening"):
            self._db.execute(
                f"DELETE FROM {table} WHERE id <= (SELECT min(id) + (max(id) - min(id)) / {SHARE} FROM {table})"  # noqa: S608
            )
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
