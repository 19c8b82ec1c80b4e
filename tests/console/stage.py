"""A backend for screens: a real HTTP server on a Unix socket that says what a test wrote, byte for byte.

The console under test is whole: its client, its event stream, its decoding and its screens are the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from aistack_backend.wire.audit import AuditPage
from aistack_backend.wire.chat import Chunk, SessionList
from aistack_backend.wire.containers import Fleet, LogBatch
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Series
from aistack_backend.wire.loops import LoopList
from aistack_backend.wire.routing import Lock, RouteStats, Routing
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.status import Status
from aistack_backend.wire.traces import SpansTaken
from aistack_console.widgets.guard import KeyGuard

NOW = 1_795_000_000.0

ROUTING = Routing(
    lock=Lock(locked=True, why="operator:me closed it."), budgets=(), chain=(), measure="deciding", min_confidence=0.5
)
NO_QUESTIONS = RouteStats(
    since=NOW - 86_400, total=0, by_route={}, by_class={}, answered=0, local_share=None, latency_p50=None,
    latency_p95=None, tokens_in=0, tokens_out=0, costs=(), good=0, bad=0, not_judged=0,
)  # fmt: skip


def source(name: str = "podman", state: SourceState = SourceState.OK, **more: Any) -> Source:
    return Source(name=name, state=state, since=NOW - 60, last_ok=NOW, **more)


class Stage:
    """Answers from ``answers`` by ``"METHOD /path"``, streams events, logs and chat; notes what was asked."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.socket = folder / "run" / "backend.sock"
        self.topics: dict[Topic, Any] = {
            Topic.STATUS: Status(
                version="0.1.0", epoch="e", pid=1, started_at=NOW - 60, data_dir="/d", hostname="box", operator="me"
            ),
            Topic.FLEET: Fleet(at=NOW, source=source()),
        }
        self.answers: dict[str, Any] = {
            "GET /healthz": {"status": "ok"},
            "GET /v1/chats": SessionList(),
            "GET /v1/audit": AuditPage(),
            "POST /v1/spans": SpansTaken(taken=0),
            "GET /v1/loops": LoopList(),
            "GET /v1/routing": ROUTING,
            "GET /v1/routing/stats": NO_QUESTIONS,
        }
        self.logs: dict[str, asyncio.Queue[LogBatch | None]] = {}
        self.chat: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.told: list[dict[str, Any]] = []
        self._events: list[asyncio.Queue[str]] = []
        self._seq = 0

    def push(self, topic: Topic, data: Any) -> None:
        """Send one event to every console and keep it for those that come later."""
        self.topics[topic] = data
        for queue in self._events:
            queue.put_nowait(self._event(topic, data))

    def _event(self, topic: Topic, data: Any) -> str:
        self._seq += 1
        return f"id: e:{self._seq}\nevent: {topic.value}\ndata: {msgspec.json.encode(data).decode()}\n\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        try:
            await self._request(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the console went away, as consoles do
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        length = next((int(x.split(":")[1]) for x in head.split("\r\n") if x.lower().startswith("content-length")), 0)
        body = json.loads(await reader.readexactly(length)) if length else {}
        url = urlsplit(target)
        if url.path == "/v1/spans":  # in the background, a second after what it tells of
            self.told.append(body)
        else:
            self.asked.append((f"{method} {url.path}", body or parse_qs(url.query)))
        await self._answer(f"{method} {url.path}", writer)

    async def _answer(self, asked: str, writer: asyncio.StreamWriter) -> None:
        if asked == "GET /v1/events":
            await self._stream_events(writer)
        elif asked.endswith("/logs"):
            await self._lines(writer, self.logs.setdefault(asked.split("/")[-2], asyncio.Queue()))
        elif asked == "POST /v1/chat":
            await self._lines(writer, self.chat)
        else:
            found = self.answers.get(asked, Series(name="none") if "/series/" in asked else None)
            status = 404 if found is None else getattr(found, "status", 200) if "Problem" in str(type(found)) else 200
            data = msgspec.json.encode(found or {"type": "not-found", "title": f"no {asked}", "status": 404})
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data
            )
            await writer.drain()

    async def _lines(self, writer: asyncio.StreamWriter, queue: asyncio.Queue[Any]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while (item := await queue.get()) is not None:
            writer.write(msgspec.json.encode(item) + b"\n")
            await writer.drain()

    async def _stream_events(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        queue: asyncio.Queue[str] = asyncio.Queue()
        for topic, data in self.topics.items():
            queue.put_nowait(self._event(topic, data))
        self._events.append(queue)
        while True:
            writer.write((await queue.get()).encode())
            await writer.drain()


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Serve a stage on a socket of its own, in a short folder."""
    with tempfile.TemporaryDirectory(prefix="ai") as folder:
        one = Stage(Path(folder))
        one.socket.parent.mkdir()
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(one.serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_unix_server(accept, str(one.socket))
        try:
            yield one
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Let the loop run until ``what`` is true, and look again each 2 ms.

    A loop that never rests keeps the interpreter's lock from a thread that imports: what takes 0.1 s then takes 5.

    Raises:
        AssertionError: it did not become true in time.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not what():
        assert loop.time() < end, "it did not happen in time"
        look = loop.create_future()
        loop.call_later(0.002, look.set_result, None)
        await look


def rest(guard: KeyGuard) -> None:
    """Make the dialog one that has been open, and without a key, for ten seconds."""
    guard._opened -= 10
    guard.last -= 10
