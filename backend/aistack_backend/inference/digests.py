"""Compute the sha256 of model files in the background: one thread, at low priority, smallest file first, waiting while
the model answers, and without pushing anything else out of the page cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aistack_backend.inference.facts import key_of

BLOCK = 4 * 1024 * 1024
NICE = 15
PAUSE = 0.25
"""Seconds between two looks at whether the model still answers."""


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """One file whose sha256 is not known."""

    size: int
    key: str
    path: Path


class Digests:
    """The thread lives while there is something to do."""

    def __init__(self, done: Callable[[str, str], None], busy: Callable[[], bool]) -> None:
        """``done(key, sha256)`` is called from the thread; ``busy()`` says that the model answers just now."""
        self._done, self._busy = done, busy
        self._lock = threading.Lock()
        self._wanted: dict[str, Wanted] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    @property
    def waiting(self) -> int:
        """Files whose sha256 is still to come."""
        return len(self._wanted)

    def want(self, files: Iterable[Wanted]) -> None:
        """Compute these, and no others that were wanted before."""
        with self._lock:
            self._wanted = {one.key: one for one in sorted(files)}
            if self._wanted and self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="model-digests", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for the thread."""
        self._stopped.set()
        if (thread := self._thread) is not None:
            thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while one := self._next():
            found = self._digest(one)
            with self._lock:
                self._wanted.pop(one.key, None)
            if found:
                self._done(one.key, found)

    def _next(self) -> Wanted | None:
        with self._lock:
            one = None if self._stopped.is_set() else next(iter(self._wanted.values()), None)
            if one is None:
                self._thread = None
            return one

    def _digest(self, one: Wanted) -> str:
        """Return the sha256 of a file that stayed the same while it was read; empty = it did not, or cannot be read."""
        digest, at = hashlib.sha256(), 0
        try:
            with one.path.open("rb", buffering=0) as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    os.posix_fadvise(file.fileno(), at, len(block), os.POSIX_FADV_DONTNEED)
                    at += len(block)
                    while self._busy() and not self._stopped.is_set():
                        self._stopped.wait(PAUSE)
                    if self._stopped.is_set():
                        return ""
        except OSError:
            return ""
        return digest.hexdigest() if key_of(one.path) == one.key else ""
