"""Where the manifest is, and what it says now."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import aistack_backend
from aistack_backend.containers.stack.load import load, watched
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.place import ManifestError

STACK = "stack.yml"


class ManifestSource:
    """The manifest of these files, read again when one of them changed. Safe from several threads."""

    def __init__(self, files: Sequence[Path], env: Mapping[str, str], env_file: Path | None = None) -> None:
        """Nothing is read yet."""
        self.files = tuple(files)
        self._env = dict(env)
        self._env_file = env_file
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int, int] | None, ...] | None = None
        self._found: Manifest | None = None
        self._error: ManifestError | None = None

    def use(self, files: Sequence[Path]) -> Manifest:
        """Take other files from now on, and return what they say.

        Raises:
            ManifestError: they cannot be used; the present ones stay.
        """
        found = load(files, self._env, self._env_file)
        with self._lock:
            self.files, self._seen = tuple(files), None
        return found

    def get(self) -> Manifest:
        """Return the manifest as it is on disk now.

        Raises:
            ManifestError: it cannot be used; the same error until a file changes.
        """
        with self._lock:
            stamps = tuple(_stamp(path) for path in watched(self.files, self._env_file)) if self.files else ()
            if stamps != self._seen:
                self._seen = stamps
                self._found, self._error = None, None
                try:
                    self._found = load(self.files, self._env, self._env_file)
                except ManifestError as error:
                    self._error = error
            if self._found is None:
                wrong = self._error or ManifestError("No Compose file is named.")
                raise ManifestError(wrong.detail, wrong.hint)
            return self._found


def bundled() -> Path:
    """Return our own ``stack.yml``: the checkout's when this is one, else the installed one."""
    package = Path(aistack_backend.__file__).parent
    checkout = package.parents[1] / "compose" / STACK
    return checkout if checkout.is_file() else package / "_assets" / "compose" / STACK


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.expanduser().stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
