"""Four ways to serve the same model file to many at once, each in processes of its own, all asked the same way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import InferenceSettings, Rank, Request, Turn
from aistack_backend.inference.orders import compute_threads
from aistack_backend.wire.chat import Role

CONTEXT = 2048
"""Tokens that one request may fill."""
SLOTS = 8
LONGEST = 300.0
"""Seconds until a contender that does not come up, or does not answer, is given up."""


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: monotonic moments of its first and last token, and how many it had."""

    first: float
    last: float
    tokens: int


class Contender(Protocol):
    """Answers chats at temperature 0."""

    name: str

    @property
    def pid(self) -> int:
        """The process that computes."""
        ...

    async def start(self) -> None:
        """Come up with the model loaded."""
        ...

    async def ask(self, prompt: str, tokens: int) -> Said:
        """Answer one message; may be called many times at once."""
        ...

    async def stop(self) -> None:
        """End what was started."""
        ...


class Ours:
    """The backend's host with its worker process; what the host does counts as the reader's side."""

    name = "ours"

    def __init__(self, site: Path, model: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ai-")
        settings = InferenceSettings(context=CONTEXT)
        self.host = LlamaHost(site, Path(self._folder.name), settings, lambda *_: None)
        self._model = model

    @property
    def pid(self) -> int:
        """The worker."""
        return self.host.pid

    async def start(self) -> None:
        """See ``Contender``."""
        await self.host.load(self._model)

    async def ask(self, prompt: str, tokens: int) -> Said:
        """See ``Contender``."""
        asked = Request(turns=(Turn(role=Role.USER, text=prompt),), max_tokens=tokens, temperature=0, rank=Rank.PERSON)
        first, made = 0.0, 0
        async for piece in self.host.generate(asked):
            first = first or (time.monotonic() if piece.text else 0.0)
            made = piece.tokens
        return Said(first, time.monotonic(), made)

    async def stop(self) -> None:
        """See ``Contender``."""
        await self.host.close()
        self._folder.cleanup()


class _Child:
    """A program with its output in a file of its own folder."""

    def __init__(self, name: str) -> None:
        self.name, self.pid = name, 0
        self.folder = tempfile.TemporaryDirectory(prefix="ai-")
        self.child: asyncio.subprocess.Process | None = None

    async def spawn(self, command: Sequence[str], stdin: int | None = asyncio.subprocess.DEVNULL) -> None:
        """Start it in the environment that our own worker has."""
        with (Path(self.folder.name) / "log").open("wb") as log:
            piped = stdin == asyncio.subprocess.PIPE
            self.child = await asyncio.create_subprocess_exec(
                *command, stdin=stdin, stdout=stdin if piped else log, stderr=log, env=environment(), limit=1 << 20
            )
        self.pid = self.child.pid

    def last_words(self) -> str:
        """The end of its log."""
        return (Path(self.folder.name) / "log").read_text(errors="replace")[-300:]

    async def stop(self) -> None:
        """End it."""
        if self.child and self.child.returncode is None:
            self.child.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.child.wait(), 5)
        if self.child and self.child.returncode is None:
            self.child.kill()
            await self.child.wait()
        self.folder.cleanup()


class Http(_Child):
    """A server with OpenAI's chat form on a Unix socket, read with as little work as can be."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        """``command`` gets the socket's path as its last word."""
        super().__init__(name)
        self._command = command
        self._socket = str(Path(self.folder.name) / "s.sock")

    async def start(self) -> None:
        """See ``Contender``."""
        await self.spawn([*self._command, self._socket])
        async with asyncio.timeout(LONGEST):
            while not await self._healthy():
                if self.child is None or self.child.returncode is not None:
                    raise RuntimeError(f"{self.name} ended: {self.last_words()}")
                await asyncio.sleep(0.1)

    async def _healthy(self) -> bool:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(self._socket)
            writer.write(b"GET /health HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer.startswith(b"HTTP/1.1 200")
        return False

    async def ask(self, prompt: str, tokens: int) -> Said:
        """See ``Contender``."""
        wish = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0}
        body = json.dumps(wish | {"stream": True, "stream_options": {"include_usage": True}}).encode()
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=1 << 20)
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: b\r\nConnection: close\r\nContent-Type: application/json"
        writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        first = last = 0.0
        made = 0
        while line := await reader.readline():
            if b'"content":"' in line and b'"content":""' not in line:
                last = time.monotonic()
                first = first or last
            elif b'"usage":{' in line:
                made = json.loads(line[line.index(b"{") :])["usage"]["completion_tokens"]
        writer.close()
        if not made:
            raise RuntimeError(f"{self.name} did not answer: {self.last_words()}")
        return Said(first, last, made)


class Locked(_Child):
    """The high-level ``Llama`` of llama-cpp-python, one answer at a time behind a lock."""

    def __init__(self, site: Path, model: Path) -> None:
        super().__init__("locked Llama")
        self._command = child("locked", site, model)
        self._answers: dict[int, asyncio.Queue[Mapping[str, int]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See ``Contender``."""
        await self.spawn(self._command, asyncio.subprocess.PIPE)
        assert self.child is not None
        assert self.child.stdout is not None
        if not await asyncio.wait_for(self.child.stdout.readline(), LONGEST):
            raise RuntimeError(f"{self.name} ended: {self.last_words()}")
        self._reading = asyncio.create_task(self._read(self.child.stdout))

    async def _read(self, out: asyncio.StreamReader) -> None:
        while line := await out.readline():
            said = json.loads(line)
            self._answers[said["id"]].put_nowait(said)

    async def ask(self, prompt: str, tokens: int) -> Said:
        """See ``Contender``."""
        assert self.child is not None
        assert self.child.stdin is not None
        number = max(self._answers, default=0) + 1
        queue = self._answers[number] = asyncio.Queue()
        self.child.stdin.write(json.dumps({"id": number, "prompt": prompt, "tokens": tokens}).encode() + b"\n")
        await asyncio.wait_for(queue.get(), LONGEST)
        first = time.monotonic()
        made = (await asyncio.wait_for(queue.get(), LONGEST))["tokens"]
        return Said(first, time.monotonic(), made)


def environment() -> dict[str, str]:
    """What our own worker is started with: without the short spin every contender collapses beside other work."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"GOMP_SPINCOUNT": "1000", "GGML_NO_BACKTRACE": "1", "PYTHONUNBUFFERED": "1"}


def child(kind: str, site: Path, model: Path) -> list[str]:
    """The command of a contender that is a library."""
    return [sys.executable, "-m", "bench.contestant", kind, str(site), str(model), str(CONTEXT), str(compute_threads())]


def server(program: Path, model: Path) -> Http:
    """llama.cpp's own server, with as many slots, as many cells and as many threads as ours."""
    options = ["-m", str(model), "-c", str(CONTEXT * 4), "-np", str(SLOTS), "--kv-unified", "--no-webui"]
    threads = ["-t", str(compute_threads()), "--host"]
    return Http("llama-server", [str(program), *options, *threads])
