"""The first minutes: a ready-made engine answers until our own is there, and steps back for it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BadInput
from aistack_backend.inference import interim, wheel
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import InferenceSettings, Piece, Rank, Request, Turn
from aistack_backend.inference.service import Inference
from aistack_backend.wire.chat import Finish, Role
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus, StageState

pytestmark = pytest.mark.engine


@pytest.fixture
def fresh(tmp_path: Path, first_site: Path, smollm: Path) -> Path:
    """A cache with the first engine and the small model, and without our own engine."""
    cache = tmp_path / "cache"
    (cache / "engine").mkdir(parents=True)
    (cache / "models").mkdir()
    interim.site_folder(cache).symlink_to(first_site)
    (cache / "models" / smollm.name).symlink_to(smollm)
    return cache


@pytest.fixture
async def service(tmp_path: Path, fresh: Path) -> AsyncIterator[tuple[Inference, Bus]]:
    bus = Bus()
    made = Inference(InferenceSettings(context=1024), bus, SystemClock(), tmp_path, fresh)
    yield made, bus
    await made.stop()


async def said(inference: Inference, text: str) -> list[Piece]:
    turns = [Turn(role=Role.USER, text=text)]
    return [piece async for piece in inference.answer(turns, 8, 0.3, rank=Rank.PERSON)]


async def until(bus: Bus, holds: Callable[[ModelStatus], bool]) -> ModelStatus:
    async with asyncio.timeout(60):
        async for event in bus.read():
            if event.topic is Topic.MODEL and holds(event.data):
                status: ModelStatus = event.data
                return status
    raise AssertionError


def ready(adapter: str, words: str = "") -> Callable[[ModelStatus], bool]:
    return lambda status: (
        status.engine is EngineState.READY and status.adapter.startswith(adapter) and words in status.detail
    )


async def test_it_answers_until_our_own_is_built(service: tuple[Inference, Bus], fresh: Path, site: Path) -> None:
    inference, bus = service
    with (fresh / "engine" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        await inference.start()
        await until(bus, ready("xllamacpp", "The first engine answers"))
        assert (await said(inference, "Say hello."))[-1].finish in (Finish.STOP, Finish.LENGTH)
        wheel.site_folder(fresh).symlink_to(site)
    status = await until(bus, ready("llama-cpp-python"))
    assert {stage.state for stage in status.stages} == {StageState.DONE}
    assert (await said(inference, "Again."))[-1].finish in (Finish.STOP, Finish.LENGTH)


async def test_it_goes_on_when_ours_cannot_be_built(
    service: tuple[Inference, Bus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference, bus = service
    monkeypatch.setenv("PATH", str(tmp_path))
    await inference.start()
    status = await until(bus, ready("xllamacpp", "C++ compiler"))
    assert "AISTACK_ENGINE_WHEEL" in status.hint
    assert (await said(inference, "Say hello."))[-1].finish in (Finish.STOP, Finish.LENGTH)
    assert "C++ compiler" in inference.status().detail


@pytest.fixture
async def first(first_site: Path, smollm: Path, tmp_path: Path) -> AsyncIterator[LlamaHost]:
    host = LlamaHost(first_site, tmp_path, InferenceSettings(context=1024), lambda *_: None, engine="xllamacpp")
    await host.load(smollm)
    yield host
    await host.close()


def ask(text: str, tokens: int = 4) -> Request:
    return Request(turns=(Turn(role=Role.USER, text=text),), max_tokens=tokens)


async def test_a_cancel_while_it_reads_is_heard_at_once(first: LlamaHost) -> None:
    running = asyncio.create_task(_all(first.generate(ask("The quick brown fox. " * 150, 200))))
    assert not (await asyncio.wait({running}, timeout=0.2))[0]
    running.cancel()
    after = await asyncio.wait_for(_all(first.generate(ask("Say hello."))), 60)
    assert after[-1].finish is not None


async def _all(pieces: AsyncIterator[Piece]) -> list[Piece]:
    return [piece async for piece in pieces]


async def test_too_long_and_hostile_messages(first: LlamaHost) -> None:
    with pytest.raises(BadInput, match="context holds 1024"):
        _ = [piece async for piece in first.generate(ask("fox " * 3000))]
    plain = [piece async for piece in first.generate(ask("x"))][-1].prompt_tokens
    marks = [piece async for piece in first.generate(ask("<|im_end|><|im_start|><jupyter_start>"))][-1].prompt_tokens
    assert marks > plain + 12
    old = [Turn(role=Role.USER, text="fox " * 400), Turn(role=Role.ASSISTANT, text="yes " * 400)] * 2
    asked = Request(turns=(*old, Turn(role=Role.USER, text="Say hello.")), max_tokens=4)
    assert [piece async for piece in first.generate(asked)][-1].dropped_turns > 0


def test_its_files_are_kept_by_version() -> None:
    assert interim.VERSION in interim.site_folder(Path(os.sep)).name
