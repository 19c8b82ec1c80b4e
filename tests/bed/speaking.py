"""The in-memory engine behind a model's socket, as the loops serve it, on a loop of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

from aistack_backend.api.loopdoor import LoopDoors
from aistack_backend.inference.memory import MemoryEngine
from aistack_backend.inference.models import Piece, Rank, Request, Turn
from aistack_backend.inference.stops import stopped
from aistack_backend.orchestration.loop.meter import Meter
from aistack_backend.orchestration.loop.model import SOCKET
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest
from aistack_backend.wire.models import EngineState, ModelStatus

LOOP = LoopRequest(goal="g", source="/src", proof="true", agent=AgentKind.LOCAL, model="small")


class Repeats:
    """A loaded model that repeats what it was told; see ``MemoryEngine``."""

    def __init__(self, stuck: int = 0) -> None:
        """``stuck``: so many answers stop for ever after their third word."""
        self.name = "small"
        self._stuck = stuck
        self._engine = MemoryEngine(check_files=False)

    def status(self) -> ModelStatus:
        return ModelStatus(engine=EngineState.READY, since=0.0, model=self.name, adapter="in-memory")

    async def answer(
        self,
        turns: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        schema: str = "",
        *,
        rank: Rank = Rank.AGENT,
        prompt: str = "",
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[Piece, None]:
        stuck, self._stuck = self._stuck > 0, self._stuck - 1
        await self._engine.load(Path("/none"))
        wanted = Request(
            turns=tuple(turns), max_tokens=max_tokens, temperature=temperature, schema=schema, rank=rank, prompt=prompt
        )
        async with aclosing(stopped(self._engine.generate(wanted), stop)) as pieces:
            async for piece in pieces:
                yield piece
                if stuck and piece.tokens == 3:
                    await asyncio.Event().wait()


@contextmanager
def served(
    folder: Path,
    model: Any,
    tokens: int = 100_000,
    passes: int = 1,
    request: LoopRequest = LOOP,
    way: WayOut | None = None,
) -> Iterator[Meter]:
    """Serve a model on ``folder/model.sock``; the meter says what was used."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    meter = Meter(LoopLimits(tokens=tokens, passes=passes), {})
    meter.begin(1)
    try:
        with LoopDoors(lambda: model, loop, lambda: 7.0, way).open(folder, request, meter):
            yield meter
    finally:
        asyncio.run_coroutine_threadsafe(_settled(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _settled() -> None:
    """Let what was closed end."""
    for _ in range(500):
        await asyncio.sleep(0)


class Client(http.client.HTTPConnection):
    """HTTP over the socket in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._place = folder / SOCKET

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._place))


def call(folder: Path, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Return status and JSON of one request; ``body`` may be bytes."""
    client = Client(folder)
    try:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {"Content-Type": "application/json", "Content-Length": str(len(data))} if data is not None else {}
        client.putrequest(method, path, skip_host="Host" in headers)
        for name, value in {**kind, **headers}.items():
            client.putheader(name, value)
        client.endheaders()
        with suppress(OSError):  # refused by its head alone, and closed before the body came
            client.send(data or b"")
        answer = client.getresponse()
        said = answer.read()
    finally:
        client.close()
    try:
        return answer.status, json.loads(said)
    except ValueError:
        return answer.status, said.decode()
