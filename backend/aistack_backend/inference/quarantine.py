"""Which models crashed the worker, how often in a row, and why. Kept over restarts until a person asks again."""

from __future__ import annotations

import json
from pathlib import Path

LIMIT = 3
"""Crashes without one finished answer in between."""


class Quarantine:
    """A small JSON file: model file (path, size, time of change) → crashes and the last reason.

    A file that cannot be read counts as empty, one that cannot be written is kept in memory: the disk may be full
    at the very moment a worker dies, and that must not hide the crash.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._crashes: dict[str, tuple[int, str]] = {}
        try:
            stored = json.loads(file.read_text())
            self._crashes = {key: (int(count), str(why)) for key, (count, why) in stored.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._crashes = {}

    def count(self, model: Path) -> int:
        """Crashes in a row."""
        return self._crashes.get(_key(model), (0, ""))[0]

    def why(self, model: Path) -> str:
        """Return the last reason when the model is in quarantine, else ""."""
        count, why = self._crashes.get(_key(model), (0, ""))
        return why if count >= LIMIT else ""

    def crashed(self, model: Path, why: str) -> int:
        """Count a crash; return how many in a row."""
        count = self.count(model) + 1
        self._crashes[_key(model)] = (count, why)
        self._save()
        return count

    def clear(self, model: Path) -> None:
        """An answer was finished: the row of crashes is broken."""
        if self._crashes.pop(_key(model), None):
            self._save()

    def forgive(self, model: Path) -> None:
        """A person wants it tried again."""
        self.clear(model)

    def _save(self) -> None:
        temporary = self._file.with_suffix(".tmp")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._crashes))
            temporary.replace(self._file)
        except OSError:
            temporary.unlink(missing_ok=True)


def _key(model: Path) -> str:
    try:
        found = model.stat()
    except OSError:
        return str(model)
    return f"{model.resolve()}|{found.st_size}|{found.st_mtime_ns}"
