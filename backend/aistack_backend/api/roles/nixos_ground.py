"""The index of a container: all that is heavy to import, so that ``own_nixos`` need not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from aistack_backend.api.nixoswork import file_of
from aistack_backend.api.roles import nixos
from aistack_backend.api.roles.hybrid_ground import url
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BadInput
from aistack_backend.knowledge.nixos.service import CHANNEL, MANUALS, NixIndex
from aistack_backend.store.database import Database

log = logging.getLogger(__name__)
USUAL = "nixos-unstable"
JSON = (".json", ".json.gz", ".json.xz", ".json.br")


def opened(env: Mapping[str, str], folder: Path) -> NixGround:
    """Open the stack's PostgreSQL, or what ``AISTACK_DATABASE`` names, for the files in ``folder``; blocks.

    Raises:
        Unavailable: it cannot be reached, or its place is not told.
    """
    return NixGround(Database(env.get("AISTACK_DATABASE", "") or url(env)), folder)


class NixGround:
    """Index, routes, and what was read of the folder. Every method blocks."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self._index = NixIndex(database, SystemClock(), how=f"Put a file into {folder} of this container.")
        self._index.tidy()
        self._seen: dict[Path, tuple[int, float]] = {}
        self.endpoints = nixos.endpoints(lambda: self._index)

    def standing(self) -> str:
        """Return what is in the index, as a sentence."""
        return self._index.sources().detail

    def look(self) -> None:
        """Read in what is new in the folder, or changed; what cannot be read is told once, in the log."""
        for channel, file in _files(self._folder):
            try:
                found = file.stat()
                mark = (found.st_size, found.st_mtime)
                if self._seen.get(file) == mark:
                    continue
                self._seen[file] = mark
                data, at = file_of(str(file))
                taken = self._index.take(data, str(file), "role:nixos-docs", channel=channel, published_at=at)
            except (BadInput, OSError) as error:
                log.warning("%s was not read in: %s", file, error)
            else:
                log.warning("%s: %s, %d entries. %s", file, taken.outcome, taken.source.entries, taken.detail)

    def close(self) -> None:
        """Let go of the store."""
        self._database.close()


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return the files with their channels."""
    found: list[tuple[str, Path]] = []
    for one in sorted(folder.glob("*")) + sorted(folder.glob("*/*")):
        channel = USUAL if one.parent == folder else one.parent.name
        if one.is_file() and one.name.lower().endswith((*JSON, *MANUALS)) and CHANNEL.fullmatch(channel):
            found.append((channel, one))
    return found
