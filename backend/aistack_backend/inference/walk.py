"""Walk a folder for GGUF files: each folder once however links lead to it, bounded, and what was not seen is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DEPTH = 12
"""Folders below the first."""
ENTRIES = 50_000
"""Names that are looked at in one store."""
FILES = 2_000
"""GGUF files that are taken of one store."""


@dataclass(slots=True)
class Walk:
    """One walk over one store."""

    files: int = 0
    entries: int = 0
    troubles: list[str] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    @property
    def detail(self) -> str:
        """Why not all was seen, in a few sentences; empty = all was."""
        shown = " ".join(self.troubles[:3])
        return f"{shown} And {len(self.troubles) - 3} more." if len(self.troubles) > 3 else shown

    @property
    def full(self) -> bool:
        """A bound was reached: nothing more is taken."""
        return self.entries >= ENTRIES or self.files >= FILES

    def gguf_files(self, folder: Path, depth: int = 0) -> Iterator[Path]:
        """Yield the GGUF files below a folder, by name; links are followed, each folder is entered once."""
        names = self.names(folder)
        for name in names:
            if self.full:
                return
            path = folder / name
            if is_folder(path):
                if depth < DEPTH:
                    yield from self.gguf_files(path, depth + 1)
                else:
                    self.troubles.append(f"{path} is more than {DEPTH} folders deep and was not entered.")
            elif name.lower().endswith(".gguf") and self.take(path):
                yield path

    def take(self, path: Path) -> bool:
        """Count a file that is there and is one; False = a link to nothing, or no ordinary file."""
        if self.full or not is_file(path):
            return False
        self.files += 1
        if self.files == FILES:
            self.troubles.append(f"Only the first {FILES} models are taken.")
        return True

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, sorted; none when it was entered before, cannot be read, or all is full."""
        try:
            found = folder.stat()
            if (found.st_dev, found.st_ino) in self._seen:
                return []
            self._seen.add((found.st_dev, found.st_ino))
            names = sorted(one.name for one in folder.iterdir())
        except OSError as error:
            self.troubles.append(f"{folder} cannot be read: {error.strerror or error}.")
            return []
        room = ENTRIES - self.entries
        self.entries += min(len(names), room)
        if len(names) >= room:
            self.troubles.append(f"Only the first {ENTRIES} names are looked at.")
        return names[:room]


def is_folder(path: Path) -> bool:
    """Whether it is a folder, through links; what may not be asked is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether it is an ordinary file, through links; what may not be asked is none."""
    try:
        return path.is_file()
    except OSError:
        return False
