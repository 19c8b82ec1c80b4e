"""From a log feed in a thread to batches on the event loop, bounded, and honest about what was dropped."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from aistack_backend.containers.port import Feed
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import LogBatch, LogLine

BATCH = 500
"""Lines of a batch at most."""
GATHER = 0.05
"""Seconds between two batches at least, unless the first is full: 20 a second are more than an eye follows."""
QUEUE = 50_000
"""Lines held for a reader that is slow, about 15 MB; then the oldest are dropped and counted."""
CALM = 0.003
"""Seconds of rest after each block of a live log while more than a batch of it waits for its reader."""
BEHIND = 2.0
"""Seconds that a live log may be behind; then it is read without rest."""
WAIT = 0.5
"""Seconds that the reading thread waits at most for room before it looks whether it was closed."""


class LogPump:
    """Reads one feed in a thread of its own.

    ``lossless``: when the queue is full the thread waits, and Podman with it (a log that is read once). Else the
    oldest lines are dropped (a live view must not fall minutes behind).

    A flood of a live log is read in larger pieces with a rest between: Podman, this process and the reader's console
    would else have every core, and the operator's keys would wait. Podman holds back what is not read yet.
    """

    def __init__(self, feed: Feed[Sequence[LogLine]], *, lossless: bool, queue: int = QUEUE) -> None:
        self._feed = feed
        self._lossless = lossless
        self._limit = queue
        self._lines: deque[LogLine] = deque()
        self._room = threading.Condition()
        self._dropped = 0
        self._ended = False
        self._closed = False
        self._error: BackendError | OSError | None = None
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._thread = threading.Thread(target=self._read, name="podman-log", daemon=True)
        self._thread.start()

    async def batches(self, container: str) -> AsyncGenerator[LogBatch, None]:
        """Yield what arrives until the feed ends.

        Raises:
            BackendError: the feed broke, after everything that was read before.
        """
        last = 0.0
        while True:
            await self._wake.wait()
            pause = last + GATHER - time.monotonic()
            if pause > 0 and len(self._lines) < BATCH and not self._ended:
                await asyncio.sleep(pause)
            lines, dropped, over = self._take()
            if lines or dropped:
                yield LogBatch(id=container, lines=lines, dropped=dropped)
                last = time.monotonic()
            if over:
                break
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the reading thread; quick, from any thread."""
        with self._room:
            self._closed = True
            self._room.notify_all()
        self._feed.close()

    def _take(self) -> tuple[tuple[LogLine, ...], int, bool]:
        with self._room:
            count = min(BATCH, len(self._lines))
            lines = tuple(self._lines.popleft() for _ in range(count))
            dropped, self._dropped = self._dropped, 0
            over = self._ended and not self._lines
            if not self._lines and not self._ended:
                self._wake.clear()
            self._room.notify_all()
        return lines, dropped, over

    def _read(self) -> None:
        try:
            for lines in self._feed:
                self._put(lines)
                if self._may_rest(lines):
                    time.sleep(CALM)
        except (BackendError, OSError) as error:
            self._error = error
        with self._room:
            self._ended = True
        self._ring()

    def _may_rest(self, lines: Sequence[LogLine]) -> bool:
        """Whether the reader has enough to do, and what was read is new: what has no stamp is not taken for new."""
        at = lines[-1].at if lines and not self._lossless and not self._closed and len(self._lines) > BATCH else None
        return at is not None and 0 <= time.time() - at < BEHIND

    def _put(self, lines: Sequence[LogLine]) -> None:
        with self._room:
            while self._lossless and len(self._lines) >= self._limit and not self._closed:
                self._room.wait(WAIT)
            was_empty = not self._lines
            self._lines.extend(lines)
            if not self._lossless:
                while len(self._lines) > self._limit:
                    self._lines.popleft()
                    self._dropped += 1
        if was_empty:
            self._ring()

    def _ring(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop is gone, and with it whoever listened
            self._feed.close()


async def last_lines(batches: AsyncIterator[LogBatch], count: int) -> AsyncGenerator[LogBatch, None]:
    """Read all batches and yield only their last ``count`` lines."""
    kept: deque[LogLine] = deque(maxlen=count)
    container = ""
    async for batch in batches:
        container = batch.id
        kept.extend(batch.lines)
    while kept:
        yield LogBatch(id=container, lines=tuple(kept.popleft() for _ in range(min(BATCH, len(kept)))))
