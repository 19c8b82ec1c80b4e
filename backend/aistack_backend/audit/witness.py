"""The witness: one JSON line per committed record in a file of its own, on disk before any effect begins.

A chain alone cannot see that its newest records were cut off, or that it was computed anew from some
record on; the witness can, because it still says which hash stood at which number.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.errors import Unavailable

NAME = "witness.jsonl"
TORN = ".torn"
"""Suffix of the file beside it that collects half-written pieces."""
_TAIL = 8 * 1024
"""Enough of the end to hold the last whole line and a half-written one."""
_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","seq":([1-9][0-9]{0,17})\}\n')


def line(seq: int, digest: str) -> bytes:
    """Return the one form in which a record is witnessed."""
    return json.dumps({"hash": digest, "seq": seq}, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a witness as read; ``seq`` is None when it is not in the one form."""

    raw: bytes
    seq: int | None
    digest: str


def pieces(path: Path, size: int | None = None) -> Iterator[Piece]:
    """Yield the lines of a witness in order, up to ``size`` bytes; the last one may be torn.

    Raises:
        OSError: it cannot be read.
    """
    left = path.stat().st_size if size is None else size
    with path.open("rb") as file:
        while left > 0 and (raw := file.readline(min(left, 4096))):
            left -= len(raw)
            yield _piece(raw)


def _piece(raw: bytes) -> Piece:
    if match := _LINE.fullmatch(raw):
        return Piece(raw, int(match[2]), match[1].decode())
    return Piece(raw, None, "")


class Disk:
    """The calls that can fail when a witness is written."""

    def write(self, descriptor: int, data: bytes) -> int:
        """Write, returning how many bytes went; as ``os.write``."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Return when the data is on the disk; as ``os.fdatasync``."""
        os.fdatasync(descriptor)

    def free(self, descriptor: int) -> tuple[int, int]:
        """Return the bytes that are free to us and the bytes in all on the file's disk."""
        found = os.fstatvfs(descriptor)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


class Witness:
    """The open witness of one backend. Not for two threads at once: the log guards it.

    ``last`` is the newest piece that is known to be on the disk; ``torn`` what opening it moved aside.
    """

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Open or make it (0600), moving a half-written last line to ``.torn``.

        Raises:
            Unavailable: it cannot be opened, or is not a file of ours.
        """
        self.path = folder / NAME
        self._disk = disk
        self.torn = b""
        self.last: Piece | None = None
        self.moved = False
        """Another process wrote to it: it has to be opened anew."""
        self._unsure = False
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            self._check_file()
            self._adopt()
            self._sync_folder(folder)
        except OSError as error:
            raise self._unavailable("opened", error) from error

    def write(self, rows: Sequence[tuple[int, str]]) -> None:
        """Append one line for each ``(seq, hash)`` and return when they are on the disk.

        Raises:
            Unavailable: not all of them are; the next call begins where this one did.
        """
        if not rows:
            return
        data = b"".join(line(seq, digest) for seq, digest in rows)
        try:
            with self._alone():
                self._check_file()
                self._check_end()
                self._unsure = True
                self._write_all(data)
                self._disk.sync(self._descriptor)
                self._unsure = False
        except OSError as error:
            raise self._unavailable("written", error) from error
        self._size += len(data)
        self.last = Piece(b"", *rows[-1])

    def free(self) -> tuple[int, int]:
        """Return free and total bytes of its disk.

        Raises:
            Unavailable: the disk does not say.
        """
        try:
            return self._disk.free(self._descriptor)
        except OSError as error:
            raise self._unavailable("looked at", error) from error

    def size(self) -> int:
        """Return how many of its bytes are known to be on the disk."""
        return self._size

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _check_end(self) -> None:
        """See that the file ends where we left it; remove what a failed call of ours left behind."""
        if os.fstat(self._descriptor).st_size == self._size:
            return
        if not self._unsure:
            self.moved = True
            raise OSError("another process wrote to it; it is being opened anew")
        os.ftruncate(self._descriptor, self._size)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._disk.write(self._descriptor, bytes(view)) :]

    def _check_file(self) -> None:
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a regular file")
        if found.st_nlink == 0:
            raise OSError("it was deleted while the backend runs; a restart begins a new one and records that")

    def _adopt(self) -> None:
        size = os.fstat(self._descriptor).st_size
        tail = os.pread(self._descriptor, _TAIL, max(0, size - _TAIL))
        whole, newline, torn = tail.rpartition(b"\n")
        self._size = size - len(torn)
        if newline:
            self.last = _piece(whole.rpartition(b"\n")[2] + newline)
        if torn:
            self._move_aside(torn)

    def _move_aside(self, tail: bytes) -> None:
        aside = self.path.with_name(NAME + TORN)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, tail + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.ftruncate(self._descriptor, self._size)
        self.torn = tail

    def _sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _unavailable(self, verb: str, error: OSError) -> Unavailable:
        return Unavailable(
            f"The audit witness {self.path} cannot be {verb}: {error.strerror or error}.",
            "Nothing can be approved or run until it can; reading goes on.",
            title="Audit not writable",
            kind="audit-not-writable",
        )
