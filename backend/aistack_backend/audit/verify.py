"""Walk a chain and its witness. Works on a copied directory, without a backend."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from aistack_backend.audit.checkpoint import Checkpoint, checkpoints
from aistack_backend.audit.record import FIELDS, GENESIS, ZERO, digest
from aistack_backend.audit.witness import NAME, Piece, line, pieces
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.wire.audit import AuditCheck

EXPORT = "audit.jsonl"
"""Name of the exported log inside a folder."""
_KIND = FIELDS.index("kind")
_UNREADABLE = (sqlite3.Error, DBAPIError, BackendError, OSError, ValueError, TypeError)
Row = Sequence[Any]


class _Bad(Exception):
    """The first record that does not hold, and why."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(why)
        self.seq = seq


class _Walk:
    """Holds one record after another against the one before it and against the witness."""

    def __init__(self, witness: Iterable[Piece], signed: Sequence[Checkpoint]) -> None:
        self._signed = list(reversed(signed))
        self.signed: int | None = None
        self._witness = iter(witness)
        self._next: Piece | None = next(self._witness, None)
        self.head = ZERO
        self.count = 0
        self.first_witnessed: int | None = None
        self.witnessed: int | None = None

    def take(self, row: Row) -> None:
        """Check the next record.

        Raises:
            _Bad: it does not hold.
        """
        expected = self.count + 1
        seq, prev, stored = row[0], row[-2], row[-1]
        if seq != expected:
            raise _Bad(expected, f"record {expected} is missing: {seq} stands in its place")
        if prev != self.head:
            raise _Bad(expected, f"record {expected} does not link to the one before it")
        if digest(row) != stored:
            raise _Bad(expected, f"record {expected} was changed: its hash does not fit")
        if expected == 1 and row[_KIND] != GENESIS:
            raise _Bad(1, "the first record is not the beginning of a log")
        self._compare(expected, stored)
        self._hold(expected, stored)
        self.head = stored
        self.count = expected

    def end(self) -> None:
        """Check that nothing the witness saw is gone.

        Raises:
            _Bad: it names a record beyond the last one.
        """
        if self._next is not None:
            gone = self.count + 1
            raise _Bad(gone, f"record {gone} is gone: the witness has seen it")
        if self._signed:
            one, gone = self._signed[-1], self.count + 1
            raise _Bad(gone, one.why or f"record {one.seq} is gone: a checkpoint of it was signed")

    def _hold(self, seq: int, stored: str) -> None:
        """Hold the record against the next checkpoints, of which none may be for an earlier record."""
        while self._signed and self._signed[-1].seq <= seq:
            one = self._signed.pop()
            if one.why or one.seq < seq or one.head != stored or self.signed == seq:  # signed once, in order
                raise _Bad(seq, one.why or f"record {seq} is not the one that was signed")
            self.signed = seq

    def _compare(self, seq: int, stored: str) -> None:
        piece = self._next
        if piece is None:
            return
        if piece.seq is None:
            if not _torn(piece, seq, stored):
                raise _Bad(seq, f"the witness's line for record {seq} is damaged")
        elif piece.seq != seq:
            if self.witnessed is None and piece.seq > seq:
                return  # this witness began later than the log
            raise _Bad(seq, f"the witness has a line for record {piece.seq} where {seq} belongs")
        elif piece.digest != stored:
            raise _Bad(seq, f"record {seq} is not the one that was witnessed")
        else:
            self.witnessed = seq
            self.first_witnessed = self.first_witnessed or seq
        self._next = next(self._witness, None)


def _torn(piece: Piece, seq: int, stored: str) -> bool:
    """Whether this is the honest beginning of the line for ``seq``, cut by a crash."""
    whole = line(seq, stored)
    return len(piece.raw) < len(whole) and whole.startswith(piece.raw)


def walk(rows: Iterable[Row], witness: Iterable[Piece], at: float, signed: Sequence[Checkpoint] = ()) -> AuditCheck:
    """Return what holds: every link, every hash, every witnessed line, every checkpoint. Reads once, keeps one record.

    Without a witness a cut tail cannot be seen; ``detail`` then says so.
    """
    try:
        state = _Walk(witness, signed)
    except OSError as error:
        return AuditCheck(ok=False, count=0, first_bad=1, detail=f"The witness cannot be read: {error}.", checked_at=at)
    try:
        for row in rows:
            state.take(row)
        state.end()
    except _Bad as bad:
        return _result(state, at, bad.seq, f"The log does not hold: {bad}.")
    except _UNREADABLE as error:
        return _result(state, at, state.count + 1, f"Record {state.count + 1} cannot be read: {error}.")
    return _result(state, at, None, _coverage(state))


def _result(state: _Walk, at: float, first_bad: int | None, detail: str) -> AuditCheck:
    return AuditCheck(
        ok=first_bad is None,
        count=state.count,
        head=state.head if state.count else "",
        first_bad=first_bad,
        detail=detail,
        witnessed=state.witnessed,
        signed=state.signed,
        checked_at=at,
    )


def _coverage(state: _Walk) -> str:
    if state.count == 0:
        return "The log is empty."
    if state.witnessed is None:
        return f"All {state.count} records hold; no witness: a cut tail could not be seen."
    parts = [f"All {state.count} records hold"]
    if state.first_witnessed and state.first_witnessed > 1:
        parts.append(f"the witness begins at record {state.first_witnessed}")
    if state.witnessed < state.count:
        parts.append(f"the newest {state.count - state.witnessed} are not witnessed yet")
    parts.append(f"signed up to record {state.signed}" if state.signed else "no checkpoint is signed yet")
    return "; ".join(parts) + "."


def verify_directory(folder: Path, keys: Sequence[str] | None = None) -> AuditCheck:
    """Check a copied data directory or an export folder; changes nothing of the log and needs no backend.

    Looks for an exported ``audit.jsonl``, else the one SQLite file that holds a log; the witness lies
    beside it or in ``audit/``. ``keys``: only these public keys count, and at least one checkpoint must be signed.

    Raises:
        BadInput: no log is there, or more than one; a key that is none.
    """
    beside = folder if (folder / NAME).is_file() else folder / "audit"
    check = _verify(folder, checkpoints(beside, keys))
    if keys is not None and check.ok and check.signed is None:
        return replace(check, ok=False, first_bad=1, detail="The log holds no checkpoint that this key signed.")
    return check


def _verify(folder: Path, signed: Sequence[Checkpoint]) -> AuditCheck:
    witness = next((p for p in (folder / NAME, folder / "audit" / NAME) if p.is_file()), None)
    seen: Iterable[Piece] = pieces(witness) if witness else ()
    if (exported := folder / EXPORT).is_file():
        return walk(_exported(exported), seen, time.time(), signed)
    files = [p for p in sorted(folder.glob("*")) if p.is_file() and _is_sqlite(p)]
    logs = files if len(files) == 1 else [p for p in files if _has_log(p)]
    if len(logs) != 1:
        found = f"{len(logs)} databases with an audit log" if logs else "no audit log"
        raise BadInput(f"{folder} holds {found}.", f"Name a copied data directory, or a folder with {EXPORT}.")
    return walk(_stored(logs[0]), seen, time.time(), signed)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"


def _has_log(path: Path) -> bool:
    try:
        with closing(_open(path)) as connection:
            return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'event'").fetchone())
    except sqlite3.Error:
        return False


def _open(path: Path) -> sqlite3.Connection:
    # A database without its -wal is complete in itself: immutable reads it even on a read-only disk.
    mode = "mode=ro" if path.with_name(path.name + "-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"file:{_quoted(path)}?{mode}", uri=True)


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _stored(path: Path) -> Iterator[Row]:
    columns = ", ".join(f'"{name}"' for name in FIELDS)
    with closing(_open(path)) as connection:
        yield from connection.execute(f"SELECT {columns} FROM event ORDER BY seq")  # noqa: S608 (our own names)


def _exported(path: Path) -> Iterator[Row]:
    names = set(FIELDS)
    with path.open("rb") as file:
        for raw in file:
            fields = json.loads(raw)
            if not isinstance(fields, dict) or set(fields) != names or raw != exported_line(fields).encode():
                raise ValueError("a line is not a record in the form of an export")
            yield tuple(fields[name] for name in FIELDS)


def exported_line(fields: dict[str, Any]) -> str:
    """Return the one form in which a record is exported."""
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
