"""One engine per data directory, and one holder of an engine's name: flock, and an advisory lock on PostgreSQL.

The kernel drops both when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine

from aistack_backend.engine.hold import SERVER_LIFE, Hold
from aistack_backend.errors import Conflict, Unavailable

LOCK_FILE = "engine.lock"
NAME_FILE = "engine.id"
PATIENCE = SERVER_LIFE + 3.0
"""Seconds that a start waits for the server to notice that an earlier life of the same name has ended."""
BRAIN = "the backend"
"""The name that only one process of a database can hold: queue, approvals and audit have one master."""


@dataclass(frozen=True, slots=True)
class Role:
    """What an engine is among those that share a database."""

    noun: str
    brain: bool
    """It decides: it alone makes approvals stale, ends what nobody works on, and cleans up."""


BACKEND = Role("backend", True)
WORKER = Role("worker", False)


class Lease:
    """The right to run the engine of one data directory.

    ``name`` identifies this engine to DBOS (its executor id): made once per directory and kept in it, so that
    a restart recovers its own work and nobody else's. On PostgreSQL ``lost`` is told, from a thread, when the server
    may give the name to somebody else.
    """

    def __init__(
        self,
        data_dir: Path,
        database: Engine | None = None,
        role: Role = BACKEND,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._dir = data_dir
        self._database = database
        self._role = role
        self._lost = lost
        self._file: IO[str] | None = None
        self._hold: Hold | None = None
        self.name = ""

    @property
    def held(self) -> bool:
        """True between ``acquire`` and ``release``."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lease; does nothing when it is held by this object.

        Raises:
            Conflict: another process has it; the sentence names its pid.
            Unavailable: the directory cannot be written.
        """
        if self.held:
            return
        file = self._lock_file()
        self.name = self._read_name()
        try:
            self._lock_database()
        except BaseException:
            file.close()
            raise
        self._file = file

    def actor(self) -> str:
        """Return who the audit says acted: the backend, or which worker."""
        return self._role.noun if self._role.brain else self.name

    def firm(self) -> bool:
        """Whether nobody else can be at this engine's work; costs nothing. Nobody takes over a backend's."""
        return self._hold is None or self._role.brain or self._hold.firm

    def stands(self, connection: Connection) -> bool:
        """As ``firm``, as the server says in the caller's transaction."""
        return self._hold is None or self._role.brain or self._hold.stands(connection)

    def retake(self) -> str:
        """Take the names anew after they were lost; return "" or why it is another's now.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be reached yet.
        """
        taken = self._tried(self._hold) if self._hold else ""
        return self._taken(taken).detail if taken else ""

    def release(self) -> None:
        """Give the lease back; does nothing when it is not held."""
        if self._hold is not None:
            self._hold.release()
            self._hold = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lock_file(self) -> IO[str]:
        path = self._dir / LOCK_FILE
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        except OSError as error:
            raise Unavailable(f"The lock {path} cannot be opened: {error.strerror}.") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = file.read(32).strip() or "unknown"
            file.close()
            raise Conflict(
                f"Another {self._role.noun} (pid {holder}) already works on {self._dir}.",
                "Use that one, stop it with `aistack-backend stop`, or set AISTACK_DATA_DIR to another folder."
                if self._role.brain
                else "Give this one another --slot.",
                title="Already running",
                kind="already-running",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return file

    def _read_name(self) -> str:
        path = self._dir / NAME_FILE
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.write_text(f"{self._role.noun}-{uuid.uuid4().hex[:12]}\n")
            fresh.replace(path)
        return path.read_text().strip()

    def _lock_database(self) -> None:
        if self._database is None or self._database.dialect.name != "postgresql":
            return
        names = (self.name, BRAIN) if self._role.brain else (self.name,)
        hold = Hold(self._database, names, self._lost)
        if taken := self._tried(hold):
            raise self._taken(taken)
        self._hold = hold

    def _tried(self, hold: Hold) -> str:
        """Take the names; return the one that is another's even after ``PATIENCE``."""
        deadline = time.monotonic() + PATIENCE
        while (taken := hold.take()) and time.monotonic() < deadline:
            threading.Event().wait(0.1)
        return taken

    def _taken(self, name: str) -> Conflict:
        if name == BRAIN:
            return Conflict(
                "Another backend already works on this database.",
                "A database has one backend; `aistack-backend work` adds workers to it.",
                title="Already running",
                kind="already-running",
            )
        return Conflict(
            f"Another {self._role.noun} already works on this database under the name {name}.",
            f"If {self._dir} was copied from another machine, remove {NAME_FILE} in it.",
            title="Already running",
            kind="already-running",
        )
