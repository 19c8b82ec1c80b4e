"""Say in one sentence what is wrong with the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aistack_backend.errors import Unavailable

_SQLITE = {
    sqlite3.SQLITE_READONLY: ("is read-only", "Make the file and its folder writable for this user."),
    sqlite3.SQLITE_FULL: ("has no room: the disk is full", "Free space on that disk; no restart is needed."),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "Stop the backend and restore the last backup."),
    sqlite3.SQLITE_NOTADB: ("is not a database, or is damaged", "Stop the backend and restore the last backup."),
    sqlite3.SQLITE_BUSY: ("is locked by another process", "Find out who holds it: fuser names the process."),
    sqlite3.SQLITE_LOCKED: ("is locked by another process", "Find out who holds it: fuser names the process."),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "Look at the disk: dmesg says more.",
    ),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Check that its folder exists and is writable for this user."),
}
_OURS = (IntegrityError, ProgrammingError, DataError)
"""Faults of a statement, not of the database: they stay what they are."""


def explain(error: Exception, place: str) -> Unavailable:
    """Return the one sentence for an error of the driver; ``place`` is the file or URL."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None)
    if isinstance(code, int) and (known := _SQLITE.get(code & 0xFF)):
        return Unavailable(f"The database {place} {known[0]}.", known[1], title="Database unavailable")
    first = str(origin).strip().splitlines()[0] if str(origin).strip() else type(origin).__name__
    return Unavailable(f"The database {place} cannot be used: {first}.", title="Database unavailable")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn a failing database under this block into ``Unavailable``; faulty statements pass unchanged."""
    try:
        yield
    except _OURS:
        raise
    except (sqlite3.Error, DBAPIError, PoolTimeout) as error:
        raise explain(error, place) from error
