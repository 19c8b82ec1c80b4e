"""One engine per data directory, and one holder of an engine's name: flock, and an advisory lock on PostgreSQL.

The kernel drops both when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text

from aistack_backend.errors import Conflict, Unavailable

LOCK_FILE = "engine.lock"
NAME_FILE = "engine.id"


class Lease:
    """The right to run the engine of one data directory.

    ``name`` identifies this engine to DBOS (its executor id): made once per directory and kept in it, so that
    a restart recovers its own work and nobody else's.
    """

    def __init__(self, data_dir: Path, database: Engine | None = None) -> None:
        self._dir = data_dir
        self._database = database
        self._file: IO[str] | None = None
        self._session: Connection | None = None
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

    def release(self) -> None:
        """Give the lease back; does nothing when it is not held."""
        if self._session is not None:
            self._session.close()
            self._session = None
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
                f"Another backend (pid {holder}) already works on {self._dir}.",
                "Use that one, stop it with `aistack-backend stop`, or set AISTACK_DATA_DIR to another folder.",
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
            fresh.write_text(f"backend-{uuid.uuid4().hex[:12]}\n")
            fresh.replace(path)
        return path.read_text().strip()

    def _lock_database(self) -> None:
        if self._database is None or self._database.dialect.name != "postgresql":
            return
        session = self._database.connect().execution_options(isolation_level="AUTOCOMMIT")
        key = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], "big", signed=True)
        if not session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            session.close()
            raise Conflict(
                f"Another backend already works on this database under the name {self.name}.",
                f"If {self._dir} was copied from another machine, remove {NAME_FILE} in it.",
                title="Already running",
                kind="already-running",
            )
        self._session = session
