"""Logs at the service: batches, tails, stops, slow readers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.containers.pump import BATCH, LogPump
from aistack_backend.errors import NotFound, Unavailable
from aistack_backend.wire.containers import LogBatch, LogLine, LogStream
from aistack_backend.wire.sources import SourceState


async def texts(batches: AsyncIterator[LogBatch], count: int | None = None) -> list[str]:
    """Return the text of the first ``count`` lines; a stop is the word STOP."""
    got: list[str] = []
    async with asyncio.timeout(60), aclosing(batches) as open_batches:  # type: ignore[type-var]
        async for batch in open_batches:
            got += [line.text for line in batch.lines] + ["STOP"] * batch.ended
            if count is not None and len(got) >= count:
                break
    return got


async def test_a_tail(stage: Stage) -> None:
    ident = stage.world.add("web", ("seq", "1", "5000"))
    stage.podman.wait(ident, 10)
    assert await texts(stage.containers.logs("web", tail=2)) == ["4999", "5000"]
    assert await texts(stage.containers.logs("web", tail=0)) == []
    assert await texts(stage.containers.logs("web", tail=3000)) == [str(n) for n in range(2001, 5001)]
    assert len(await texts(stage.containers.logs("web", tail=9000))) == 5000


async def test_batches_are_bounded(stage: Stage) -> None:
    ident = stage.world.add("web", ("seq", "1", "3000"))
    stage.podman.wait(ident, 10)
    batches = [batch async for batch in stage.containers.logs("web", tail=3000)]
    assert max(len(batch.lines) for batch in batches) == BATCH
    assert all(batch.id == ident and not batch.dropped for batch in batches)


async def test_of_nothing(stage: Stage) -> None:
    with pytest.raises(NotFound):
        await texts(stage.containers.logs("nobody"))


async def test_podman_is_away(stage: Stage) -> None:
    ident = stage.world.add("web")
    stage.world.go_down(SourceState.REFUSED)
    with pytest.raises(Unavailable):
        await texts(stage.containers.logs(ident))


class Reading:
    """Follows a log in a task; the test waits for what it saw."""

    def __init__(self, batches: AsyncGenerator[LogBatch, None]) -> None:
        self.got: list[str] = []
        self._news = asyncio.Condition()
        self.task = asyncio.create_task(self._read(batches))

    async def _read(self, batches: AsyncGenerator[LogBatch, None]) -> None:
        async with aclosing(batches):
            async for batch in batches:
                async with self._news:
                    self.got += [line.text for line in batch.lines] + ["STOP"] * batch.ended
                    self._news.notify_all()

    async def until(self, last: str) -> list[str]:
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: self.got and self.got[-1] == last)
        return self.got

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def written(stage: Stage, ident: str, count: int) -> None:
    """Wait until a container has written so many lines."""

    def wait() -> None:
        with stage.world.changed:
            assert stage.world.changed.wait_for(lambda: len(stage.world.find(ident).log) >= count, 60)

    await asyncio.to_thread(wait)


@pytest.mark.parametrize("tail", [1, 10, 5000])
async def test_following_over_a_stop_gives_each_line_once(stage: Stage, tail: int) -> None:
    stage.containers.start()
    ident = stage.world.add("web", ("sh", "-c", "echo first; echo second; sleep 1000"))
    await written(stage, ident, 2)
    reading = Reading(stage.containers.logs("web", tail=tail, follow=True))
    await reading.until("second")
    stage.world.say(ident, b"live")
    await reading.until("live")
    await asyncio.to_thread(stage.podman.stop, ident, 1)
    await reading.until("STOP")
    await asyncio.to_thread(stage.podman.start, ident)
    got = await reading.until("second")
    assert got == [*["first", "second"][2 - min(tail, 2) :], "live", "STOP", "first", "second"]
    await reading.leave()


async def test_following_ends_when_it_is_removed(stage: Stage) -> None:
    stage.containers.start()
    ident = stage.world.add("web", ("echo", "only"))
    reading = Reading(stage.containers.logs("web", tail=5, follow=True))
    await reading.until("STOP")
    await asyncio.to_thread(stage.podman.remove, ident)
    await asyncio.wait_for(reading.task, 60)
    assert reading.got == ["only", "STOP"]


async def test_following_waits_out_a_podman_that_is_away(stage: Stage) -> None:
    stage.containers.start()
    ident = stage.world.add("web", ("sh", "-c", "echo first; sleep 1000"))
    reading = Reading(stage.containers.logs("web", tail=5, follow=True))
    await reading.until("first")
    stage.world.go_down(SourceState.FAILED)
    stage.podman.world.end(stage.world.boxes[ident], 15)
    stage.world.come_up()
    await reading.until("STOP")
    await asyncio.to_thread(stage.podman.start, ident)
    assert await reading.until("first") == ["first", "STOP", "first"]
    await reading.leave()


class ListFeed:
    """A feed of given blocks; the next one comes when ``more`` is set."""

    def __init__(self, blocks: Sequence[Sequence[LogLine]], error: Exception | None = None) -> None:
        self.blocks, self.error = blocks, error
        self.given, self.closed = threading.Event(), False

    def __iter__(self) -> Iterator[Sequence[LogLine]]:
        yield from self.blocks
        if self.error:
            raise self.error
        self.given.set()

    def close(self) -> None:
        self.closed = True


def block(begin: int, end: int) -> list[LogLine]:
    return [LogLine(at=None, stream=LogStream.STDOUT, text=str(n)) for n in range(begin, end)]


async def test_a_slow_reader_is_told_how_much_it_lost() -> None:
    feed = ListFeed([block(0, 600), block(600, 1500), block(1500, 2500)])
    pump = LogPump(feed, lossless=False, queue=1000)
    await asyncio.to_thread(feed.given.wait, 10)
    batches = [batch async for batch in pump.batches("a")]
    assert sum(batch.dropped for batch in batches) == 1500
    assert batches[0].dropped == 1500
    assert [line.text for batch in batches for line in batch.lines] == [str(n) for n in range(1500, 2500)]


async def test_a_log_that_is_read_once_waits_for_its_reader() -> None:
    pump = LogPump(ListFeed([block(n, n + 100) for n in range(0, 5000, 100)]), lossless=True, queue=300)
    got = [line.text for batch in [b async for b in pump.batches("a")] for line in batch.lines]
    assert got == [str(n) for n in range(5000)]


@pytest.mark.parametrize(("age", "lossless", "rests"), [(0.0, False, True), (9.0, False, False), (0.0, True, False)])
async def test_a_flood_is_read_with_rests_unless_it_is_behind(age: float, lossless: bool, rests: bool) -> None:
    now = time.time() - age
    fresh = [LogLine(at=now, stream=LogStream.STDOUT, text=str(n)) for n in range(BATCH + 1)]
    feed = ListFeed([fresh])
    pump = LogPump(feed, lossless=lossless)
    await asyncio.to_thread(feed.given.wait, 10)
    assert pump._may_rest(fresh) is rests
    assert not pump._may_rest(block(0, 3))
    assert len([line async for batch in pump.batches("a") for line in batch.lines]) == len(fresh)
    assert not pump._may_rest(fresh)


async def test_an_error_comes_after_what_was_read() -> None:
    pump = LogPump(ListFeed([block(0, 3)], Unavailable("It broke.")), lossless=True)
    got: list[str] = []

    async def read() -> None:
        async for batch in pump.batches("a"):
            got.extend(line.text for line in batch.lines)

    with pytest.raises(Unavailable):
        await read()
    assert got == ["0", "1", "2"]


async def test_leaving_closes_the_feed(stage: Stage) -> None:
    ident = stage.world.add("web")
    stage.world.say(ident, b"hello")
    before = {thread.ident for thread in threading.enumerate()}
    assert await texts(stage.containers.logs("web", follow=True), 1) == ["hello"]
    for thread in threading.enumerate():
        if thread.ident not in before and thread.name == "podman-log":
            await asyncio.to_thread(thread.join, 2)
            assert not thread.is_alive()
