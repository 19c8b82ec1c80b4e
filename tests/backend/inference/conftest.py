"""The real engine and the real small model, prepared once into the cache."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aistack_backend.inference import interim
from aistack_backend.inference.catalogue import SMALL
from aistack_backend.inference.fetch import fetch
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.packages import Stopper
from aistack_backend.inference.process import Patience
from aistack_backend.inference.progress import printing
from aistack_backend.inference.wheel import given_wheel, prepare
from aistack_backend.wire.models import EngineState
from aistack_backend.wire.rendezvous import cache_dir

HASTY = Patience(silence=2.0, stuck=3.0, back_off=0.05)


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
        async with asyncio.timeout(20):
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


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
async def host(site: Path, tmp_path: Path, states: States) -> AsyncIterator[LlamaHost]:
    engine = LlamaHost(site, tmp_path, InferenceSettings(context=1024), states.watch, HASTY)
    yield engine
    await engine.close()
