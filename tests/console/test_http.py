"""HTTP over the socket: what breaks is an ``OSError``, what comes is whole, and server-sent events are read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aistack_console.client.api import Client
from aistack_console.client.http import exchange, target
from aistack_console.client.pace import HOLD, WORK, Pace
from aistack_console.client.stream import sse
from aistack_console.errors import BackendDown


@asynccontextmanager
async def answering(folder: Path, said: bytes) -> AsyncIterator[Path]:
    """Serve these bytes to whoever asks, then close."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    path = folder / "s"
    async with await asyncio.start_unix_server(answer, str(path)):
        yield path


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n7\r\nwo\n\nend\r\n0\r\n\r\n"


async def test_lines_come_whole_however_they_were_cut(tmp_path: Path) -> None:
    async with answering(tmp_path, CHUNKED) as path, exchange(path, "GET", "/", {}) as answer:
        assert answer.status == 200
        assert [line async for line in answer.lines()] == [b"one", b"two", b"", b"end"]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        CHUNKED[:-7],
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x00" * 100_000,
    ],
)
async def test_an_answer_that_is_none_or_breaks_off_is_one_sentence(tmp_path: Path, said: bytes) -> None:
    async with answering(tmp_path, said) as path:
        with pytest.raises(BackendDown, match="does not answer"):
            await Client(path).status()


async def test_a_socket_that_accepts_and_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aistack_console.client.calls.TIMEOUT", 0.05)
    silent = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    async with await asyncio.start_unix_server(wait, str(tmp_path / "s")):
        with pytest.raises(BackendDown, match="does not answer"):
            await Client(tmp_path / "s").status()
        silent.set()


def test_a_query_is_escaped() -> None:
    assert target("/v1/audit", {"text": "a b&c=d"}) == "/v1/audit?text=a+b%26c%3Dd"
    assert target("/v1/audit", {}) == "/v1/audit"


async def frames(*lines: bytes) -> list[tuple[str, str, bytes]]:
    """Return what a stream of lines says."""

    async def source() -> AsyncIterator[bytes]:
        for line in lines:
            yield line

    return [(one.id, one.event, one.data) async for one in sse(source(), lambda _: None)]


async def test_events_are_read_and_comments_are_not() -> None:
    found = await frames(b": ping", b"", b"id: e:1", b"event: fleet", b"data: {", b"data:}", b"", b"data: half")
    assert found == [("e:1", "fleet", b"{\n}")]


async def test_bytes_are_counted_at_each_event() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"data: x"
        yield b""

    counted: list[int] = []
    assert len([one async for one in sse(source(), counted.append)]) == 1
    assert counted == [9]


async def test_a_loud_reader_gives_way_after_its_share_and_at_once_for_a_key() -> None:
    now = [1.0]
    pace = Pace(lambda: now[0])
    await pace.rest()
    assert pace._since == 1.0
    now[0] += WORK
    await pace.rest()
    assert pace._since == now[0]
    now[0] += WORK / 2
    began = time.perf_counter()
    await pace.rest(last_key=lambda: now[0])
    assert time.perf_counter() - began >= HOLD * 0.9
    assert pace._since == now[0]


async def test_a_key_pressed_while_a_reader_gives_way_is_not_overlooked() -> None:
    keys = [0.0]
    pace = Pace()
    resting = asyncio.create_task(pace.rest(lambda: keys[0]))
    await asyncio.sleep(0)
    keys[0] = time.perf_counter()
    await resting
    assert pace.held(keys[0]) <= 0
