"""The streams of the in-memory Podman."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.memory_box import Box
from aistack_backend.wire.containers import LogLine, Usage

T = TypeVar("T")


class QueueFeed(Generic[T]):
    """Yields what is put, until closed or broken."""

    def __init__(self, left: Callable[[QueueFeed[T]], None]) -> None:
        self._box: queue.SimpleQueue[T | PodmanDown | None] = queue.SimpleQueue()
        self._left = left

    def put(self, item: T | PodmanDown) -> None:
        """Add an item, or the error that ends it."""
        self._box.put(item)

    def __iter__(self) -> Iterator[T]:
        """Read until closed; raises the error that was put."""
        try:
            while (item := self._box.get()) is not None:
                if isinstance(item, PodmanDown):
                    raise item
                yield item
        finally:
            self._left(self)

    def close(self) -> None:
        """End the reader."""
        self._left(self)
        self._box.put(None)


class StatsFeed:
    """A sample of all containers each interval. A container's first sample is its average since its start, as
    Podman's: here an impossible 900 %."""

    def __init__(self, interval: float, sample: Callable[[], list[Usage]]) -> None:
        self._interval = interval
        self._sample = sample
        self._over = threading.Event()
        self._seen: set[str] = set()

    def __iter__(self) -> Iterator[Sequence[Usage]]:
        """Read until closed; raises ``PodmanDown`` while Podman is down."""
        while not self._over.is_set():
            rows = self._sample()
            new = {row.id for row in rows} - self._seen
            self._seen |= new
            yield tuple(_first(row) if row.id in new else row for row in rows)
            self._over.wait(self._interval)

    def close(self) -> None:
        """End the reader."""
        self._over.set()


class LogFeed:
    """The log of a box: what there is, then what comes while it runs."""

    def __init__(self, changed: threading.Condition, box: Box, begin: int, *, follow: bool) -> None:
        self._changed = changed
        self._box = box
        self._at = begin
        self._follow = follow
        self._closed = False

    def __iter__(self) -> Iterator[Sequence[LogLine]]:
        """Read until the end of the log, of the container (when following), or until closed."""
        while not self._closed:
            with self._changed:
                lines = [line for _, line in self._box.log[self._at :]]
                self._at += len(lines)
                if not lines:
                    if not self._follow or not self._box.runs:
                        return
                    self._changed.wait(1.0)
                    continue
            yield lines

    def close(self) -> None:
        """End the reader."""
        self._closed = True
        with self._changed:
            self._changed.notify_all()


def _first(row: Usage) -> Usage:
    return replace(row, cpu_percent=900.0)
