"""A moment of the recording: what was known then, and nothing that was learned later.

A state holds from its row to the next one of the same thing, but never across a start of the recorder: what happened
while nobody looked is not known. A moment without a measurement of the machine shortly before it was not recorded.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from aistack_backend.wire.containers import Activity
from aistack_backend.wire.past import Past, PastState

BEGAN = "*"
"""The object of the row that the recorder writes when it begins."""
SERVICE = "service:"
"""Begins the object of a service of the stack; any other is a container."""
RECENT = 15.0
"""Seconds that a measurement may be older than the moment."""
SHOWN = 20
"""Events before the moment that are shown."""
GONE = "removed"


def moment(db: sqlite3.Connection, at: float) -> Past:
    """Return what was recorded of a moment (epoch seconds).

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    host = _host(db, at)
    oldest, newest = db.execute("SELECT min(at), max(at) FROM metric").fetchone()
    states = _states(db, at) if host else ()
    return Past(
        at=at,
        recorded=bool(host),
        oldest=oldest,
        newest=newest,
        services=tuple(one for one in states if one.service),
        containers=tuple(one for one in states if not one.service),
        host=host,
        events=_events(db, at),
        before=_change(db, "max", "<", at),
        after=_change(db, "min", ">", at),
    )


def _host(db: sqlite3.Connection, at: float) -> dict[str, float]:
    rows = db.execute(
        "SELECT n.name, m.value, max(m.at) FROM metric m JOIN name n ON n.id = m.name"
        " WHERE n.name LIKE 'host.%' AND m.at BETWEEN ? AND ? GROUP BY n.id",
        (at - RECENT, at),
    )
    return {str(name).removeprefix("host."): float(value) for name, value, _ in rows}


def _states(db: sqlite3.Connection, at: float) -> tuple[PastState, ...]:
    begun = db.execute("SELECT max(at) FROM state WHERE object = ? AND at <= ?", (BEGAN, at)).fetchone()[0] or 0.0
    rows = db.execute(
        "SELECT object, name, state, health, at, max(id) FROM state WHERE at BETWEEN ? AND ? AND object != ?"
        " GROUP BY object ORDER BY name, object",
        (begun, at, BEGAN),
    )
    return tuple(_state(row) for row in rows if row[2] != GONE)


def _state(row: tuple[Any, ...]) -> PastState:
    key, name, state, why, since, _ = row
    return PastState(name=name, service=str(key).startswith(SERVICE), state=state, why=why, since=since)


def _events(db: sqlite3.Connection, at: float) -> tuple[Activity, ...]:
    rows = db.execute(
        "SELECT at, who, text, object, name, action FROM happening WHERE at <= ? ORDER BY at DESC, id DESC LIMIT ?",
        (at, SHOWN),
    )
    return tuple(
        Activity(at=when, who=who, text=text, object_id=key, object_name=name, action=action)
        for when, who, text, key, name, action in rows
    )


def _change(db: sqlite3.Connection, which: str, side: str, at: float) -> float | None:
    """Return the nearest moment on one side at which something happened or a state changed."""
    found = [
        db.execute(f"SELECT {which}(at) FROM {table} WHERE at {side} ?", (at,)).fetchone()[0]  # noqa: S608  our words
        for table in ("happening", "state")
    ]
    known = [one for one in found if one is not None]
    return None if not known else max(known) if which == "max" else min(known)
