"""Keep the witness in step with the log, and say why not when it cannot be."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy import desc, select

from aistack_backend.audit.checkpoint import NAME as CHECKPOINTS
from aistack_backend.audit.checkpoint import Signer
from aistack_backend.audit.witness import Disk, Piece, Witness
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.store.database import Database
from aistack_backend.store.tables import event

BATCH = 10_000
"""Records witnessed with one sync when catching up."""
RESERVE = 64 * 1024 * 1024
RESERVE_SHARE = 0.02
"""Nothing is written when less is free than 64 MiB or 2 % of the disk, whichever is less."""
WARN_SHARE = 0.10
SPACE_EVERY = 0.25
"""Seconds for which a look at the free space holds."""


class Seal:
    """The witness and what is known to hold; safe from any thread.

    Each call that returns a sentence returns "" when all is well.
    """

    def __init__(self, database: Database, folder: Path, disk: Disk) -> None:
        self._database = database
        self._folder = folder
        self._disk = disk
        self._signer = Signer(folder)
        self._lock = threading.RLock()
        self._witness: Witness | None = None
        self._last = Piece(b"", 0, "")
        self._fault = "The audit has not been opened yet."
        self._broken = ""
        self._findings: list[tuple[str, str]] = []
        self._space = (0.0, "")

    def now(self) -> str:
        """Witness every committed record that is not witnessed yet."""
        with self._lock:
            if self._broken:
                return self._broken
            try:
                self._catch_up(self._opened())
                self._fault = ""
            except BackendError as error:
                self._fault = error.detail
                if self._witness and self._witness.moved:
                    self.close()
            return self._broken or self._fault

    def blocked(self, *, outcome: bool = False) -> str:
        """Say why no record may be written now; a fault is tried again first.

        The reserve of free space is kept for outcomes of what has begun.
        """
        with self._lock:
            if self._broken or self._fault:
                self.now()
            return self._broken or self._fault or ("" if outcome else self._no_space())

    def low_space(self) -> str:
        """Warn below 10 % free on the witness's disk."""
        with self._lock:
            try:
                free, total = self._opened().free()
            except Unavailable as error:
                return error.detail
        if free >= total * WARN_SHARE:
            return ""
        return f"The disk of {self._folder} has {free // 2**20} MiB free of {total // 2**20}."

    def findings(self) -> list[tuple[str, str]]:
        """Give, once, what opening the witness found: pairs of record kind and sentence."""
        with self._lock:
            found, self._findings = self._findings, []
            return found

    def extent(self) -> tuple[Path, int]:
        """Return the witness's path and how many of its bytes are on the disk."""
        with self._lock:
            try:
                witness = self._opened()
            except Unavailable:
                return self._folder, 0
            return witness.path, witness.size()

    def begin_anew(self, at: float) -> Path:
        """Put the witness aside and begin a new one after the newest record.

        Raises:
            Unavailable: the folder cannot be written.
        """
        with self._lock:
            witness = self._opened()
            aside = witness.path.with_name(f"{witness.path.name}.{int(at)}")
            signed = witness.path.with_name(CHECKPOINTS)
            try:
                witness.path.rename(aside)
                if signed.exists():
                    signed.rename(signed.with_name(f"{CHECKPOINTS}.{int(at)}"))
                self._signer = Signer(self._folder)
            except OSError as error:
                raise Unavailable(f"{witness.path} cannot be renamed: {error.strerror}.") from error
            self.close()
            self._opened()
            self._broken = ""
            self._findings.clear()
            return aside

    def close(self) -> None:
        """Close the witness; the next call opens it again."""
        with self._lock:
            if self._witness:
                self._witness.close()
            self._witness = None

    def _opened(self) -> Witness:
        if self._witness is None:
            self._witness = self._adopt(Witness(self._folder, self._disk))
        return self._witness

    def _adopt(self, witness: Witness) -> Witness:
        if witness.torn:
            size = len(witness.torn)
            self._findings.append(("audit.torn-tail", f"{size} bytes of a half-written witness line were put aside."))
        if witness.last is not None:
            self._last = witness.last
            return witness
        with self._database.read() as connection:
            newest = connection.execute(select(event.c.seq, event.c.hash).order_by(desc(event.c.seq)).limit(1)).first()
        self._last = Piece(b"", 0, "")
        if newest is not None and newest[0] > 1:
            self._last = Piece(b"", newest[0], newest[1])
            told = f"There was no witness: records up to {newest[0]} are not witnessed."
            self._findings.append(("audit.witness-missing", told))
        return witness

    def _catch_up(self, witness: Witness) -> None:
        while rows := self._unwitnessed(witness):
            witness.write(rows)
            self._last = Piece(b"", *rows[-1])
        if self._last.seq and not self._broken and self._signer.due(self._last.seq):
            self._signer.sign(self._last.seq, self._last.digest)

    def _unwitnessed(self, witness: Witness) -> list[tuple[int, str]]:
        """Return what is newer than the last witnessed record, after seeing that this one still stands."""
        last = self._last
        if last.seq is None:
            self._break(f"The last line of the audit witness {witness.path} is damaged.")
            return []
        wanted = select(event.c.seq, event.c.hash).where(event.c.seq >= last.seq).order_by(event.c.seq)
        with self._database.read() as connection:
            rows = [(row[0], row[1]) for row in connection.execute(wanted.limit(BATCH))]
        if last.seq == 0:
            return rows
        if not rows or rows[0] != (last.seq, last.digest):
            self._break(f"The audit log no longer holds record {last.seq} as {witness.path} has seen it.")
            return []
        return rows[1:]

    def _break(self, why: str) -> None:
        self._broken = why + " Nothing runs until a person has looked (audit verify)."

    def _no_space(self) -> str:
        looked, answer = self._space
        if time.monotonic() - looked < SPACE_EVERY:
            return answer
        try:
            free, total = self._opened().free()
            few = free < min(RESERVE, total * RESERVE_SHARE)
            answer = f"The disk of {self._folder} is nearly full: {free // 1024} KiB free." if few else ""
        except Unavailable as error:
            answer = error.detail
        self._space = (time.monotonic(), answer)
        return answer
