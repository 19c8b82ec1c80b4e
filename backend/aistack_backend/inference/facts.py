"""What is known of a model file: its header, read once for each state of the file, and the sha256 of its bytes.

A file is known again by device, inode, size and change time, so that neither is computed twice, also not by the next
backend: both are kept in the table ``model_file``.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from sqlalchemy import delete, insert, select

from aistack_backend.clock import Clock
from aistack_backend.errors import Unavailable
from aistack_backend.inference import splits
from aistack_backend.inference.gguf import Header, read_header
from aistack_backend.inference.models import BadModel
from aistack_backend.store.database import Database
from aistack_backend.store.model_tables import model_file

KEPT = 180 * 86_400.0
"""Seconds after which a row is forgotten; a file that is still there is read anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file, or all parts of a split one."""

    key: str
    """Empty = it could not even be asked for its size."""
    size: int = 0
    header: Header | None = None
    fault: str = ""
    """Why there is no header, in one sentence."""
    sha256: str = ""
    """Empty = not computed, or split."""


class Facts:
    """Reads and remembers; may be called from any thread."""

    def __init__(self, database: Database | None, clock: Clock) -> None:
        """Without a database it remembers for this process alone."""
        self._database, self._clock = database, clock
        self._lock = threading.Lock()
        self._known: dict[str, FileFacts] = {}
        self._new: set[str] = set()

    def begin(self) -> None:
        """Take in what earlier backends found out. What cannot be read now is found out anew."""
        if self._database is None:
            return
        with self._database.tx() as connection:
            connection.execute(delete(model_file).where(model_file.c.at < self._clock.now() - KEPT))
            rows = connection.execute(select(model_file)).all()
        with self._lock:
            for row in rows:
                self._known.setdefault(row.key, FileFacts(key=row.key, header=_read(row.header), sha256=row.sha256))

    def of(self, path: Path) -> FileFacts:
        """Return what is known of a file; its header is read when it never was."""
        try:
            key, size = _key(path)
        except OSError as error:
            return FileFacts(key="", fault=f"{path} cannot be read: {error.strerror or error}.")
        with self._lock:
            known = self._known.get(key)
        if known and (known.header or known.fault):
            return replace(known, size=size)
        try:
            found = FileFacts(key=key, size=size, header=read_header(path), sha256=known.sha256 if known else "")
        except BadModel as error:
            found = FileFacts(key=key, size=size, fault=error.detail, sha256=known.sha256 if known else "")
        with self._lock:
            self._known[key] = found
            self._new.add(key)
        return found

    def hashed(self, key: str, sha256: str) -> None:
        """Remember the sha256 that the file with this key has; ``save`` writes it down."""
        with self._lock:
            self._known[key] = replace(self._known.get(key) or FileFacts(key=key), sha256=sha256)
            self._new.add(key)

    def save(self) -> None:
        """Write down what was found out since; what cannot be written now is known to this process all the same."""
        with self._lock:
            new = [self._known[key] for key in self._new]
            self._new.clear()
        rows = [
            {
                "key": one.key,
                "header": json.dumps(asdict(one.header)) if one.header else "",
                "sha256": one.sha256,
                "at": self._clock.now(),
            }
            for one in new
            if one.header or one.sha256
        ]
        if self._database is None or not rows:
            return
        with suppress(Unavailable), self._database.tx() as connection:
            connection.execute(delete(model_file).where(model_file.c.key.in_([row["key"] for row in rows])))
            connection.execute(insert(model_file), rows)


def key_of(path: Path) -> str:
    """Return what a file, with all its parts, is known again by; empty = it cannot be asked."""
    try:
        return _key(path)[0]
    except OSError:
        return ""


def _key(path: Path) -> tuple[str, int]:
    stats = [part.stat() for part in splits.parts(path)]
    keys = [f"{one.st_dev}:{one.st_ino}:{one.st_size}:{one.st_mtime_ns}" for one in stats]
    size = sum(one.st_size for one in stats)
    if len(keys) == 1:
        return keys[0], size
    return f"parts:{hashlib.sha256(' '.join(keys).encode()).hexdigest()}", size


def _read(text: str) -> Header | None:
    """Return a stored header; None when this version knows others fields than the one that stored it."""
    try:
        values = json.loads(text)
        return Header(**values) if values.keys() == {one.name for one in fields(Header)} else None
    except (ValueError, TypeError, AttributeError):
        return None
