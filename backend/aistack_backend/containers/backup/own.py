"""Our own state: the SQLite file by its online backup, the audit's witness before it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import make_url

from aistack_backend.audit.verify import verify_directory
from aistack_backend.containers.backup.manifest import Piece
from aistack_backend.containers.backup.tarstream import BadArchive
from aistack_backend.store.database import Database

KIND = "store"
FOLDER = "store"
FILE = "aistack.db"
AUDIT = "audit"


class OwnStore:
    """The data folder of a backend, running or not."""

    def __init__(self, data_dir: Path, database_url: str) -> None:
        self._data_dir = data_dir
        url = make_url(database_url)
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    def take(self, draft: Path) -> Piece:
        """Copy it while it is in use. The witness is copied first: it may lag behind the log, never lead it.

        Raises:
            OSError, sqlite3.Error: it cannot be read.
        """
        folder = draft / FOLDER
        folder.mkdir(mode=0o700)
        if (self._data_dir / AUDIT).is_dir():
            _copy(self._data_dir / AUDIT, folder / AUDIT)
        if self._file is None:
            return Piece(kind=KIND, note="The store is a PostgreSQL database; it is in the backup of that service.")
        target = folder / FILE
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        uri = f"file:{quote(str(self._file))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            counts = _counts(copy)
        return Piece(kind=KIND, file=f"{FOLDER}/{FILE}", counts=counts)


def rehearse(backup: Path, piece: Piece, scratch: Path) -> str:
    """Open a copy of the store with the real code; returns how many rows and records hold.

    Raises:
        BadArchive: it does not hold; one sentence.
    """
    if not piece.file:
        return "The store is not in this backup."
    _copy(backup / FOLDER, scratch)
    file = scratch / FILE
    with closing(sqlite3.connect(file)) as copy:
        if (said := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise BadArchive(f"The store in the backup is damaged: {said}.")
        if (found := _counts(copy)) != dict(piece.counts):
            raise BadArchive(f"The store in the backup has other rows than were counted: {_differing(found, piece)}.")
    checked = verify_directory(scratch)
    if not checked.ok:
        raise BadArchive(f"The audit in the backup does not hold: {checked.detail}")
    Database(f"sqlite:///{file}").close()
    return f"the store opens, {sum(found.values())} rows are as counted, {checked.count} audit records hold"


def _differing(found: dict[str, int], piece: Piece) -> str:
    names = sorted(name for name in {*found, *piece.counts} if found.get(name) != piece.counts.get(name))
    return f"{names[0]} has {found.get(names[0])}, counted were {piece.counts.get(names[0])}"


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [str(row[0]) for row in connection.execute(query)]
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in names}
    return {name: int(connection.execute(f"SELECT count(*) FROM {quoted[name]}").fetchone()[0]) for name in names}  # noqa: S608


def _copy(source: Path, target: Path) -> None:
    """Copy regular files and folders, privately; what else lies there is not ours."""
    target.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            _copy(path, target / path.name)
        elif path.is_file():
            shutil.copyfile(path, target / path.name)
            (target / path.name).chmod(0o600)
