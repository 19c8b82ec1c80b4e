"""The wiring of the NixOS index on this backend's store."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from aistack_backend.api.parts import Parts
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.nixos.opening import LARGEST
from aistack_backend.knowledge.nixos.service import NixIndex
from aistack_backend.store.database import Database
from aistack_backend.wire.nixos import NixImportRequest, NixTaken

PACKED = 64 << 20
"""Bytes of a packed file that is read; a plain one may have what it may have once unpacked."""


class NixParts:
    """The index, and what reads this machine's files into it."""

    def __init__(self, parts: Parts, database: Database) -> None:
        self.index = NixIndex(database, parts.clock)

    async def start(self) -> None:
        """Remove what an earlier backend left in half."""
        await asyncio.to_thread(self.index.tidy)

    def read_in(self, request: NixImportRequest, by: str) -> NixTaken:
        """Read a file in; blocks.

        Raises:
            BadInput: it cannot be read, or is not what it is to be.
        """
        data, at = file_of(request.path)
        return self.index.take(data, request.path, by, channel=request.channel, kind=request.kind, published_at=at)


def file_of(path: str) -> tuple[bytes, float]:
    """Return what a file holds, and when it was last changed.

    Raises:
        BadInput: it is no absolute path of a file that can be read, or too large.
    """
    where = Path(path)
    if not where.is_absolute() or "\0" in path:
        raise BadInput(f"{path[:200]!r} is no absolute path.", "The backend has another working folder than you.")
    try:
        held = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Name a file of yours.") from error
    try:
        found = os.fstat(held)
        if not stat.S_ISREG(found.st_mode):
            raise BadInput(f"{path} is no file.", "Name one file.")
        most = PACKED if where.suffix in (".gz", ".xz", ".br") else LARGEST
        if found.st_size > most:
            raise BadInput(f"{path} has {found.st_size} bytes; {most} at most are read.")
        with os.fdopen(held, "rb", closefd=False) as file:
            return file.read(most), found.st_mtime
    finally:
        os.close(held)
