"""The event stream: one reader that stays connected, and the link's measured speed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aistack_backend.wire.events import Topic
from aistack_console.client.api import Client
from aistack_console.client.decode import decode_topic
from aistack_console.errors import BackendDown, ConsoleError

FIRST, LONGEST = 0.25, 15.0
"""Seconds before the first and the slowest attempt to reconnect; doubled each time, ±50 %."""
QUIET = 40.0
"""Seconds without an event (the host is sampled every 2 s) after which the link counts as dead."""


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded event; ``id`` is ``EPOCH:SEQ``."""

    id: str
    topic: Topic
    data: Any


class Meter:
    """Bytes per second over the last ten seconds, and the round trip to the backend."""

    SPAN = 10.0

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: deque[tuple[float, int]] = deque()
        self.rtt: float | None = None
        """Seconds of the last round trip; None = not measured."""

    def count(self, size: int) -> None:
        """Note that ``size`` bytes came in."""
        self._seen.append((self._now(), size))
        self._forget()

    def rate(self) -> float:
        """Return bytes per second over the span."""
        self._forget()
        return sum(size for _, size in self._seen) / self.SPAN

    def shown_rate(self) -> float | None:
        """Return the rate to one leading digit, so that the header does not change each second; None = none yet."""
        rate = self.rate()
        return None if rate < 1 else float(f"{rate:.0e}")

    def _forget(self) -> None:
        while self._seen and self._seen[0][0] < self._now() - self.SPAN:
            self._seen.popleft()


class EventStream:
    """Reads ``/v1/events`` for ever; reconnects with back-off and resumes after the last id it saw."""

    def __init__(self, client: Client, meter: Meter) -> None:
        self._client = client
        self._meter = meter
        self._last_id = ""

    async def read(self, on_event: Callable[[Event], None], on_link: Callable[[ConsoleError | None], None]) -> None:
        """Call ``on_event`` for each event and ``on_link`` with None when connected or with what broke it."""
        attempt = 0
        while True:
            try:
                async for event in self._events(on_link):
                    attempt = 0
                    self._last_id = event.id or self._last_id
                    on_event(event)
                raise BackendDown("The backend closed the event stream.")
            except (ConsoleError, TimeoutError) as error:
                on_link(error if isinstance(error, ConsoleError) else BackendDown("The backend fell silent."))
            await asyncio.sleep(delay(attempt))
            attempt += 1

    async def _events(self, on_link: Callable[[ConsoleError | None], None]) -> AsyncIterator[Event]:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        async with self._client.stream("GET", "/v1/events", headers=headers) as answer:
            on_link(None)
            frames = sse(answer.lines(), self._meter.count)
            while True:
                async with asyncio.timeout(QUIET):
                    frame = await anext(frames, None)
                if frame is None:
                    return
                topic = Topic(frame.event)
                yield Event(frame.id, topic, decode_topic(topic, frame.data))


@dataclass(slots=True)
class Frame:
    """One server-sent event as it came."""

    id: str = ""
    event: str = "message"
    data: bytes = b""


async def sse(lines: AsyncIterator[bytes], count: Callable[[int], None]) -> AsyncIterator[Frame]:
    """Yield the server-sent events of a stream of lines, and count the bytes; comments keep the link alive only."""
    frame, size = Frame(), 0
    async for line in lines:
        size += len(line) + 1
        if not line:
            count(size)
            if frame.data:
                yield frame
            frame, size = Frame(), 0
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            frame.data += (b"\n" if frame.data else b"") + value
        elif name in (b"id", b"event"):
            setattr(frame, name.decode(), value.decode(errors="replace"))


def delay(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait before an attempt: 0.25 doubled each time up to 15, ±50 %."""
    steady: float = min(FIRST * 2**attempt, LONGEST)
    return steady * (0.5 + chance())
