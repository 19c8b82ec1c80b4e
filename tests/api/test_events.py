"""The event stream: snapshots first, resume by id, reset when that cannot be, heartbeat, an end at the shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from aistack_backend.api.encode import KEPT, Encoder
from aistack_backend.api.events import BEAT, read, resume_point
from aistack_backend.bus import RING, SLOW, Bus, Event
from aistack_backend.wire.containers import Activity, UsageTable
from aistack_backend.wire.events import Topic


def said(number: int) -> Activity:
    return Activity(at=float(number), who="podman", text=str(number))


def head(event: bytes) -> tuple[str, str]:
    """The id and the topic of one encoded event."""
    fields = dict(line.split(": ", 1) for line in event.decode().strip().splitlines())
    return fields["id"], fields["event"]


class Reader:
    """A reader of the stream, one event at a time, with a deadline."""

    def __init__(self, bus: Bus, after: int | None = None, heartbeat: float = 60.0) -> None:
        self.stopping = asyncio.Event()
        self.source: AsyncIterator[bytes] = read(bus, Encoder(bus.epoch), after, self.stopping, heartbeat)

    async def next(self) -> bytes:
        async with asyncio.timeout(60):
            return await anext(self.source)

    async def heads(self, count: int) -> list[tuple[str, str]]:
        return [head(await self.next()) for _ in range(count)]

    async def aclose(self) -> None:
        """End the stream as a client does that leaves."""
        await self.source.aclose()  # type: ignore[attr-defined]


async def test_a_new_reader_gets_a_reset_and_the_newest_of_each_topic() -> None:
    bus = Bus()
    for at in (1.0, 2.0):
        bus.publish(Topic.USAGE, UsageTable(at=at))
    bus.publish(Topic.ACTIVITY, said(1))
    async with aclosing(Reader(bus)) as reader:
        assert await reader.heads(2) == [(f"{bus.epoch}:3", "reset"), (f"{bus.epoch}:2", "usage")]
        bus.publish(Topic.ACTIVITY, said(2))
        assert await reader.heads(1) == [(f"{bus.epoch}:4", "activity")]


async def test_a_reader_resumes_where_it_was() -> None:
    bus = Bus()
    for number in range(5):
        bus.publish(Topic.ACTIVITY, said(number))
    async with aclosing(Reader(bus, after=resume_point(f"{bus.epoch}:3", bus.epoch))) as reader:
        assert [seq for seq, _ in await reader.heads(2)] == [f"{bus.epoch}:4", f"{bus.epoch}:5"]


@pytest.mark.parametrize(
    "last", ["", "other:3", "EPOCH", "EPOCH:", "EPOCH:-1", "EPOCH:x", "EPOCH:²", "EPOCH:" + "9" * 30]
)
def test_an_id_that_is_not_ours_begins_anew(last: str) -> None:
    assert resume_point(last, "EPOCH") is None


@pytest.mark.parametrize("after", [1, RING + 50])
async def test_an_id_that_the_ring_does_not_hold_gives_a_reset(after: int) -> None:
    bus = Bus()
    for number in range(RING + 10):
        bus.publish(Topic.ACTIVITY, said(number))
    async with aclosing(Reader(bus, after=after)) as reader:
        assert head(await reader.next())[1] == "reset"


async def test_a_slow_reader_gets_a_reset_and_not_everything() -> None:
    bus = Bus()
    bus.publish(Topic.USAGE, UsageTable(at=0.0))
    async with aclosing(Reader(bus)) as reader:
        assert len(await reader.heads(2)) == 2
        for number in range(SLOW + 50):
            bus.publish(Topic.ACTIVITY, said(number))
        bus.publish(Topic.USAGE, UsageTable(at=9.0))
        assert [topic for _, topic in await reader.heads(2)] == ["reset", "usage"]


async def test_silence_is_filled_with_comments() -> None:
    async with aclosing(Reader(Bus(), heartbeat=0.01)) as reader:
        assert head(await reader.next())[1] == "reset"
        assert [await reader.next(), await reader.next()] == [BEAT, BEAT]


async def test_the_stream_ends_when_the_backend_stops() -> None:
    reader = Reader(Bus())
    await reader.next()
    reader.stopping.set()
    with pytest.raises(StopAsyncIteration):
        await reader.next()


async def test_a_reader_who_leaves_is_forgotten() -> None:
    bus = Bus()
    reader = Reader(bus)
    await reader.next()
    await reader.aclose()
    assert not bus._readers


def test_an_event_is_encoded_once_and_forgotten_in_time() -> None:
    encoder = Encoder("e")
    event = Event(1, Topic.ACTIVITY, said(1))
    assert encoder.encode(event) is encoder.encode(event)
    first = encoder.encode(event)
    for seq in range(2, KEPT + 2):
        encoder.encode(Event(seq, Topic.ACTIVITY, said(seq)))
    assert encoder.encode(event) == first
    assert encoder.encode(event) is not first
