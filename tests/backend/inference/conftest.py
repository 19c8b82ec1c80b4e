"""The real engine and the real small model, prepared once into the cache."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.inference import interim
from aistack_backend.inference.catalogue import EMBEDDING, SMALL
from aistack_backend.inference.fetch import fetch
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.process import Patience
from aistack_backend.inference.progress import printing
from aistack_backend.inference.service import Inference
from aistack_backend.inference.talk import Talk
from aistack_backend.inference.wheel import given_wheel, prepare
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState
from aistack_backend.wire.rendezvous import cache_dir

HASTY = Patience(silence=5.0, stuck=60.0, back_off=0.05)
"""Quick to try again; to be silent or without progress for a while is no fault of a worker on a busy machine."""


class States:
    """Every state an engine told, with a way to wait for the next."""

    def __init__(self) -> None:
        self.told: list[tuple[EngineState, str, str]] = []
        self._news = asyncio.Event()

    def watch(self, state: EngineState, detail: str, hint: str) -> None:
        self.told.append((state, detail, hint))
        self._news.set()

    def names(self) -> list[EngineState]:
        return [state for state, _, _ in self.told]

    async def until(self, state: EngineState, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while self.names().count(state) < times:
                self._news.clear()
                await self._news.wait()


@pytest.fixture(scope="session")
def cache() -> Path:
    return cache_dir(os.environ)


@pytest.fixture(scope="session")
def site(cache: Path) -> Path:
    return prepare(cache, printing(sys.stderr), Stopper(), given_wheel())


@pytest.fixture(scope="session")
def first_site(cache: Path) -> Path:
    return interim.prepare(cache, printing(sys.stderr), Stopper())


@pytest.fixture(scope="session")
def smollm(cache: Path) -> Path:
    return fetch(SMALL, cache, printing(sys.stderr), Stopper())


@pytest.fixture(scope="session")
def minilm(cache: Path) -> Path:
    return fetch(EMBEDDING, cache, printing(sys.stderr), Stopper())


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
async def host(site: Path, tmp_path: Path, states: States) -> AsyncIterator[LlamaHost]:
    engine = LlamaHost(site, tmp_path, InferenceSettings(context=1024), states.watch, HASTY)
    yield engine
    await engine.close()


@dataclass(frozen=True, slots=True)
class Service:
    """The model and the chats over it."""

    model: Inference
    talk: Talk


Make = Callable[..., Awaitable[Service]]


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def make(tmp_path: Path, bus: Bus) -> AsyncIterator[Make]:
    made: list[Service] = []
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")

    async def build(cache: Path = tmp_path, **settings: object) -> Service:
        chosen = InferenceSettings(**settings)  # type: ignore[arg-type]
        model = Inference(chosen, bus, SystemClock(), tmp_path, cache)
        service = Service(model, Talk(model, database, SystemClock()))
        made.append(service)
        await service.talk.start()
        await model.start()
        return service

    yield build
    for service in made:
        await service.talk.stop()
        await service.model.stop()
    database.close()


@pytest.fixture
async def memory(make: Make, bus: Bus) -> Service:
    service = await make(adapter="memory")
    await until(bus, EngineState.READY)
    return service


@pytest.fixture
async def llama(make: Make, bus: Bus, site: Path, smollm: Path, cache: Path) -> Service:
    service = await make(cache, auto_prepare=False)
    await until(bus, EngineState.READY)
    return service


async def until(bus: Bus, *states: EngineState, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        async for event in bus.read():
            if event.topic is Topic.MODEL and event.data.engine in states:
                return
