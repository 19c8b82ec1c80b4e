"""The in-process bus: the newest snapshot of each topic, and a bounded ring of events for late readers."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from aistack_backend.wire.events import Topic

RING = 2_000
"""Events kept for readers that come back with an id."""
SLOW = 500
"""Events a reader may be behind before it gets a reset instead."""


@dataclass(frozen=True, slots=True)
class Event:
    """One published event; ``data`` is a wire object."""

    seq: int
    topic: Topic
    data: Any


class Publish(Protocol):
    """Takes what somebody measured."""

    def publish(self, topic: Topic, data: Any) -> None:
        """Publish a wire object; safe from any thread, never blocks."""
        ...


class Bus:
    """Publishes from any thread; each reader is an async iterator on its own loop.

    A reader that lags more than ``SLOW`` events, or asks to resume from an id that the ring no longer
    holds or from another epoch, gets one RESET event and then the newest snapshot of every topic.
    """

    def __init__(self) -> None:
        self.epoch = uuid.uuid4().hex[:12]
        self._lock = threading.Lock()
        self._seq = 0
        self._ring: deque[Event] = deque(maxlen=RING)
        self._latest: dict[Topic, Event] = {}
        self._readers: set[_Reader] = set()

    def publish(self, topic: Topic, data: Any) -> None:
        """Publish ``data``; safe from any thread, never blocks on a reader."""
        with self._lock:
            self._seq += 1
            event = Event(self._seq, topic, data)
            self._ring.append(event)
            if topic is not Topic.ACTIVITY:
                self._latest[topic] = event
            readers = tuple(self._readers)
        for reader in readers:
            reader.wake()

    def latest(self, topic: Topic) -> Any | None:
        """Return the newest data of a topic, or None when nothing was published."""
        event = self._latest.get(topic)
        return event.data if event else None

    async def read(self, after: int | None = None) -> AsyncIterator[Event]:
        """Yield events for ever, beginning after ``after`` where the ring still holds it."""
        reader = _Reader(asyncio.get_running_loop())
        with self._lock:
            self._readers.add(reader)
        try:
            seen, batch = self._begin(after)
            while True:
                for event in batch:
                    yield event
                await reader.wait()
                seen, batch = self._since(seen)
        finally:
            with self._lock:
                self._readers.discard(reader)

    def _begin(self, after: int | None) -> tuple[int, list[Event]]:
        with self._lock:
            oldest = self._ring[0].seq if self._ring else self._seq + 1
            if after is not None and oldest - 1 <= after <= self._seq:
                return self._seq, [e for e in self._ring if e.seq > after]
            return self._seq, self._snapshot()

    def _since(self, seen: int) -> tuple[int, list[Event]]:
        with self._lock:
            if self._seq - seen > SLOW:
                return self._seq, self._snapshot()
            batch = []
            for event in reversed(self._ring):
                if event.seq <= seen:
                    break
                batch.append(event)
            return self._seq, batch[::-1]

    def _snapshot(self) -> list[Event]:
        newest = sorted(self._latest.values(), key=lambda e: e.seq)
        return [Event(self._seq, Topic.RESET, None), *newest]


class _Reader:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Let the reader look again; ignored when its loop is gone."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            return

    async def wait(self) -> None:
        """Wait until something new may be there."""
        await self._event.wait()
        self._event.clear()
