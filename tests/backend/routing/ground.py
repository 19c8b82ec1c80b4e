"""A coordinator on a store of its own, with endpoints on loopback that keep every byte they are sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from aistack_backend.api.routework import Ground, raised
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock, SystemClock
from aistack_backend.inference.providers.service import Providers
from aistack_backend.knowledge.port import Embeds
from aistack_backend.learning.port import Learned, Nothing
from aistack_backend.orchestration.routing.coordinator import Asker, Coordinator
from aistack_backend.orchestration.routing.port import Finds, NoDocuments
from aistack_backend.store.database import Database
from aistack_backend.wire.config import RoutingConfig
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.routing import RouteAnswer, RouteRequest

ME = Asker(client="operator:tester")
MANY = RoutingConfig(per_minute=100_000, per_hour=100_000)
Says = Callable[[dict[str, Any]], tuple[int, bytes]]


def completion(text: str, read: int = 10, written: int = 3) -> bytes:
    """Return the body of an answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": read, "completion_tokens": written}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


def saying(*texts: str) -> Says:
    """Return what answers each request with the next text, the last one again and again."""
    left = list(texts)
    return lambda _: (200, completion(left.pop(0) if len(left) > 1 else left[0]))


@dataclass
class Recorder:
    """An endpoint that keeps the exact bytes of every request."""

    says: Says
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """When set, an answer waits for it."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and answer it."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(size)
            self.heads.append(head)
            self.bodies.append(body)
            self.reached.set()
            if self.hold is not None:
                await self.hold.wait()
            status, said = self.says(json.loads(body))
            top = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n"
            writer.write(top.encode() + b"Connection: close\r\n\r\n" + said)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever asked left
        finally:
            writer.close()


@asynccontextmanager
async def recording(says: Says) -> AsyncIterator[Recorder]:
    """Serve it on a free port of loopback."""
    made = Recorder(says)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        server.close()
        if made.hold is not None:
            made.hold.set()


def elsewhere(one: Recorder, name: str = "far", **more: Any) -> ProviderConfig:
    """Return it as an endpoint elsewhere."""
    return ProviderConfig(name=name, url=one.url, model="big", **more)


def priced(one: ProviderConfig, price_in: str = "1", price_out: str = "1", currency: str = "USD") -> ProviderConfig:
    """Return it with prices of a million tokens."""
    return replace(one, price_in=Decimal(price_in), price_out=Decimal(price_out), currency=currency)


def here(one: Recorder) -> ProviderConfig:
    """Return it as the model on this machine."""
    return ProviderConfig(name="near", url=one.url, model="small", local=True)


@asynccontextmanager
async def standing(
    database: Database,
    configured: Sequence[ProviderConfig],
    config: RoutingConfig = MANY,
    *,
    clock: Clock | None = None,
    finds: Finds | None = None,
    learned: Learned | None = None,
    embeds: Embeds | None = None,
    known: Sequence[str] = (),
) -> AsyncIterator[Coordinator]:
    """Raise a coordinator on these endpoints."""
    time = clock or SystemClock()
    providers = Providers(configured, database, time)
    await providers.start()
    try:
        yield raised(
            Ground(
                database=database,
                clock=time,
                redactor=Redactor(b"k" * 32, known),
                config=config,
                providers=providers,
                configured=configured,
                models=(),
                finds=finds or NoDocuments(),
                embeds=embeds,
                learned=learned or Nothing(),
            )
        )
    finally:
        await providers.stop()


@asynccontextmanager
async def both(
    database: Database, near: Says, far: Says, config: RoutingConfig = MANY, **more: Any
) -> AsyncIterator[tuple[Coordinator, Recorder, Recorder]]:
    """Raise a coordinator with one model here and one elsewhere."""
    async with (
        recording(near) as one,
        recording(far) as other,
        standing(database, (here(one), elsewhere(other)), config, **more) as coordinator,
    ):
        yield coordinator, one, other


async def ask(coordinator: Coordinator, query: str, asker: Asker = ME, **more: Any) -> RouteAnswer:
    """Ask a question."""
    return await coordinator.route(RouteRequest(query=query, **more), asker)


def store(tmp_path: Path) -> Database:
    """Return a store of its own."""
    return Database(f"sqlite:///{tmp_path}/routing.db")
