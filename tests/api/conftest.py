"""The whole application on in-memory adapters: a world of containers, a model that needs no model."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.api.parts import Parts
from aistack_backend.app import build
from aistack_backend.approvals.port import Person
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.memory_world import World
from aistack_backend.settings import Settings, resolve

OPERATOR = Person(uid=os.getuid(), gid=os.getgid(), pid=os.getpid(), user="tester")


class Accepted:
    """The application as if ``peer`` had connected; what the protocol does on a real socket."""

    def __init__(self, app: FastAPI, peer: Person | None = OPERATOR) -> None:
        self.app = app
        self.peer = peer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["state"] = {**scope.get("state", {}), "peer": self.peer}
        await self.app(scope, receive, send)


def small_world() -> World:
    """A world with a running container, a stopped one, a volume and the image of the sandbox."""
    world = World()
    world.add_image("localhost/aistack-sandbox:1")
    web = world.add("web", ["sleep", "1000"], labels={"io.aistack.managed": "true"})
    world.say(web, b"hello")
    world.add("db", ["sleep", "1000"], running=False)
    world.add_volume("data", size=1000)
    return world


def settings_in(tmp_path: Path, **env: str) -> Settings:
    """Settings of a data folder of its own, with the model that needs no model."""
    given = {"HOME": str(tmp_path), "AISTACK_CACHE_DIR": str(tmp_path / "cache"), "AISTACK_MODEL_ADAPTER": "memory"}
    return resolve({**given, **env}, data_dir=tmp_path / "d")


def make_app(settings: Settings, world: World) -> FastAPI:
    """The application over that world."""
    settings.data_dir.mkdir(mode=0o700, exist_ok=True)
    return build(settings, lambda _: MemoryPodman(world, tick=0.01))


async def everything_up(parts: Parts) -> None:
    """Wait until every part came up, by what the bus says."""
    lates = (parts.audit, parts.containers, parts.inference, parts.tasks)
    async with asyncio.timeout(60):
        async for _ in parts.bus.read():
            engine = parts.engine.part
            if all(late.part or late.fault for late in lates) and engine and engine.running:
                return


@asynccontextmanager
async def running(app: FastAPI, peer: Person | None = OPERATOR) -> AsyncIterator[httpx.AsyncClient]:
    """Bring the application up and give a client of ``peer``."""
    async with app.router.lifespan_context(app):
        await everything_up(app.state.parts)
        transport = httpx.ASGITransport(Accepted(app, peer), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
def app(tmp_path: Path, world: World) -> FastAPI:
    return make_app(settings_in(tmp_path), world)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        yield client
