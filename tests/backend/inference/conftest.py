"""The real engine and the real small model, prepared once into the cache."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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

States = list[tuple[EngineState, str, str]]
HASTY = Patience(silence=2.0, stuck=3.0, back_off=0.05)


@pytest.fixture(scope="session")
def cache() -> Path:
    return cache_dir(os.environ)


@pytest.fixture(scope="session")
def site(cache: Path) -> Path:
    return prepare(cache, printing(sys.stderr), Stopper(), given_wheel())


@pytest.fixture(scope="session")
def smollm(cache: Path) -> Path:
    return fetch(SMALL, cache, printing(sys.stderr), Stopper())


@pytest.fixture
def states() -> States:
    return []


@pytest.fixture
async def host(site: Path, tmp_path: Path, states: States) -> AsyncIterator[LlamaHost]:
    def watch(state: EngineState, detail: str, hint: str) -> None:
        states.append((state, detail, hint))

    engine = LlamaHost(site, tmp_path, InferenceSettings(context=2048), watch, HASTY)
    yield engine
    await engine.close()
