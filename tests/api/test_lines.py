"""Streams of JSON lines: a problem before the first line, a farewell after it, and an end when the reader leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aistack_backend.api.lines import Lines
from aistack_backend.errors import NotFound, Unavailable
from aistack_backend.wire.chat import Chunk


class Wire:
    """The two ends of one request, as an ASGI server gives them."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self.first_line = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.first_line.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def ended(self) -> bool:
        """Whether the answer came to its proper end."""
        return self.sent[-1]["type"] == "http.response.body" and not self.sent[-1].get("more_body")

    async def run(self, lines: Lines) -> None:
        async with asyncio.timeout(60):
            await lines({"type": "http"}, self.receive, self.send)


def chunk(text: str) -> Chunk:
    return Chunk(session_id=1, message_id=1, text=text)


async def two() -> AsyncIterator[Chunk]:
    yield chunk("a")
    yield chunk("b")


async def test_each_object_is_a_line() -> None:
    wire = Wire()
    await wire.run(Lines(two()))
    assert wire.sent[0]["status"] == 200
    assert wire.body.count(b"\n") == 2
    assert wire.ended


async def test_an_empty_stream_is_an_empty_answer() -> None:
    async def nothing() -> AsyncIterator[Chunk]:
        return
        yield

    wire = Wire()
    await wire.run(Lines(nothing()))
    assert (wire.sent[0]["status"], wire.body, wire.ended) == (200, b"", True)


async def test_an_error_before_the_first_line_is_a_problem() -> None:
    async def missing() -> AsyncIterator[Chunk]:
        raise NotFound("There is no chat 7.")
        yield

    wire = Wire()
    await wire.run(Lines(missing()))
    assert wire.sent[0]["status"] == 404
    assert b"There is no chat 7." in wire.body


async def broken() -> AsyncIterator[Chunk]:
    yield chunk("a")
    raise Unavailable("The model died.")


async def test_an_error_after_it_is_the_last_line() -> None:
    wire = Wire()
    await wire.run(Lines(broken(), lambda error: chunk(error.detail)))
    assert b"The model died." in wire.body
    assert wire.ended


async def test_without_a_farewell_the_stream_is_cut() -> None:
    wire = Wire()
    await wire.run(Lines(broken()))
    assert not wire.ended


@pytest.mark.parametrize("lines_before", [0, 1])
async def test_a_reader_who_leaves_ends_the_source(lines_before: int) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[Chunk]:
        try:
            for _ in range(lines_before):
                yield chunk("a")
            await asyncio.Event().wait()
        finally:
            closed.set()

    wire = Wire()
    request = asyncio.create_task(wire.run(Lines(endless())))
    if lines_before:
        await wire.first_line.wait()
    else:
        await asyncio.wait({request}, timeout=0)
    wire.left.set()
    await request
    assert closed.is_set() or not lines_before


async def test_the_head_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aistack_backend.api.lines.FIRST", 0.01)
    headed = asyncio.Event()
    go = asyncio.Event()

    async def late() -> AsyncIterator[Chunk]:
        await go.wait()
        yield chunk("late")

    class Early(Wire):
        async def send(self, message: Any) -> None:
            await super().send(message)
            headed.set()

    wire = Early()
    request = asyncio.create_task(wire.run(Lines(late())))
    await asyncio.wait_for(headed.wait(), 60)
    assert wire.sent[0]["status"] == 200
    go.set()
    await request
    assert b"late" in wire.body
