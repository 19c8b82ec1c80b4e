"""A container's log from a tail on, over its stops and starts, and over losses of Podman."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.models import Inspected
from aistack_backend.containers.parse import RUNS, when
from aistack_backend.containers.port import Podman
from aistack_backend.containers.pump import LogPump, last_lines
from aistack_backend.errors import NotFound
from aistack_backend.wire.containers import Fleet, LogBatch, LogLine
from aistack_backend.wire.sources import SourceState

TAIL = 1_000
"""Longest tail that Podman is asked for: 4.3 reads a tail backwards, in time that grows with its square (100,000
lines: 31 s, while the whole log takes 1 s). A longer one is cut here."""
LOOK = 0.25
"""Seconds between two looks at the fleet, in memory, for whether a stopped container runs again."""


class LogReader:
    """Yields the batches of one container.

    After a stop the log is reopened at the end of the last run, which Podman knows to the nanosecond. After a loss
    of Podman it is reopened at the stamp of the last line, which has whole seconds, and as many lines of that
    second as were given are skipped; only when a tail began in that very second can its older lines come again.
    """

    def __init__(self, podman: Podman, fleet: Callable[[], Fleet], container: str) -> None:
        self._podman = podman
        self._fleet = fleet
        self._id = container
        self._last: float | None = None
        self._same = 0
        self._skip = 0

    async def once(self, tail: int, since: float | None) -> AsyncGenerator[LogBatch, None]:
        """Yield what there is now: the last ``tail`` lines, of those since ``since``."""
        whole = tail > TAIL
        reading = self._read(-1 if whole else tail, since, follow=False)
        async with aclosing(reading), aclosing(last_lines(reading, tail) if whole else reading) as batches:
            async for batch in batches:
                yield self._noted(batch)

    async def follow(self, tail: int, since: float | None) -> AsyncGenerator[LogBatch, None]:
        """Yield for ever; ``ended`` marks each stop. Ends when the container is removed."""
        if tail > TAIL:
            async with aclosing(self.once(tail, since)) as before:
                async for batch in before:
                    yield batch
            tail, since = self._reopened(None)
        first = True
        while True:
            async with aclosing(self._live(tail, since, first=first)) as batches:
                async for batch in batches:
                    yield batch
            first = False
            state = await self._state()
            if state is not None and state.container.state not in RUNS:
                yield LogBatch(id=self._id, ended=True)
                if not await self._runs_again():
                    return
            if state is None:
                return
            tail, since = self._reopened(when(state.finished))

    async def _live(self, tail: int, since: float | None, *, first: bool) -> AsyncGenerator[LogBatch, None]:
        """Yield what is new until the feed ends; one that breaks ends quietly unless it never began."""
        try:
            async with aclosing(self._read(tail, since, follow=True)) as batches:
                async for batch in batches:
                    first = False
                    new = self._unseen(batch)
                    if new.lines or new.dropped:
                        yield self._noted(new)
        except (NotFound, PodmanDown):
            if first:
                raise

    async def _read(self, tail: int, since: float | None, *, follow: bool) -> AsyncGenerator[LogBatch, None]:
        pump = LogPump(self._podman.logs(self._id, tail=tail, since=since, follow=follow), lossless=not follow)
        try:
            async for batch in pump.batches(self._id):
                yield batch
        finally:
            pump.close()

    def _reopened(self, finished: float | None) -> tuple[int, float | None]:
        if finished is not None and finished >= (self._last or 0.0):
            self._skip = 0
            return -1, finished
        self._skip = self._same
        return -1, self._last

    def _unseen(self, batch: LogBatch) -> LogBatch:
        lines = batch.lines
        while self._skip and lines:
            if lines[0].at != self._last:
                self._skip = 0
                break
            lines, self._skip = lines[1:], self._skip - 1
        return batch if lines is batch.lines else replace(batch, lines=lines)

    def _noted(self, batch: LogBatch) -> LogBatch:
        last = batch.lines[-1].at if batch.lines else None
        if last is not None:
            count = _trailing(batch.lines, last)
            self._same = count + (self._same if last == self._last and count == len(batch.lines) else 0)
            self._last = last
        return batch

    async def _state(self) -> Inspected | None:
        """Ask Podman what the container does now, waiting out a Podman that is away; None when it is removed."""
        while True:
            try:
                return await asyncio.to_thread(self._podman.inspect, self._id)
            except NotFound:
                return None
            except PodmanDown:
                await asyncio.sleep(LOOK)

    async def _runs_again(self) -> bool:
        """Wait until it runs; False when it was removed."""
        while True:
            await asyncio.sleep(LOOK)  # first of all: the fleet may not know of the stop yet
            fleet = self._fleet()
            row = next((one for one in fleet.containers if one.id == self._id), None)
            if row is not None and row.state in RUNS:
                return True
            if row is None and fleet.source.state is SourceState.OK:
                return False


def _trailing(lines: tuple[LogLine, ...], stamp: float) -> int:
    count = 0
    for line in reversed(lines):
        if line.at != stamp:
            break
        count += 1
    return count
