"""Threads that carry blocking reads to the watcher's one queue."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aistack_backend.containers.port import Feed


@dataclass(frozen=True, slots=True)
class Message:
    """What a thread has to say: ``name`` of the thread or the job; one of item or error."""

    name: str
    item: Any = None
    error: Exception | None = None
    took: float = 0.0
    """Seconds that a job took."""


class Reader:
    """Reads one feed in a thread of its own and puts each item on the queue; the end or an error comes last."""

    def __init__(self, name: str, feed: Feed[Any], box: queue.SimpleQueue[Message]) -> None:
        self._name = name
        self._feed = feed
        self._box = box
        self._thread = threading.Thread(target=self._run, name=f"podman-{name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the feed and wait for the thread (it ends within milliseconds)."""
        self._feed.close()
        self._thread.join(2.0)

    def _run(self) -> None:
        try:
            for item in self._feed:
                self._box.put(Message(self._name, item))
        except Exception as error:  # whatever it is, the watcher must hear of it
            self._box.put(Message(self._name, error=error))


class Caller:
    """Runs one call at a time in a thread of its own; the watcher meanwhile sees how long it takes.

    ``busy_since`` is the monotonic start of the call that is running, or None.
    """

    def __init__(self, box: queue.SimpleQueue[Message]) -> None:
        self._box = box
        self._jobs: queue.SimpleQueue[tuple[str, Callable[[], Any]] | None] = queue.SimpleQueue()
        self.busy_since: float | None = None
        threading.Thread(target=self._run, name="podman-calls", daemon=True).start()

    def call(self, name: str, job: Callable[[], Any]) -> None:
        """Hand in a call; only when none is running."""
        self.busy_since = time.monotonic()
        self._jobs.put((name, job))

    def done(self) -> None:
        """Note that the answer was taken from the queue."""
        self.busy_since = None

    def close(self) -> None:
        """Let the thread end after its call; a hanging call ends by its own timeout."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            name, job = entry
            began = time.monotonic()
            try:
                item, error = job(), None
            except Exception as problem:  # whatever it is, the watcher must hear of it
                item, error = None, problem
            self._box.put(Message(name, item, error, time.monotonic() - began))
