"""The model's standing, and what it says of models that cannot be used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.backend.inference.conftest import Make, Service, until

from aistack_backend.bus import Bus
from aistack_backend.errors import BadInput, Conflict, NotFound, Unavailable
from aistack_backend.inference.catalogue import EMBEDDING
from aistack_backend.inference.models import Turn
from aistack_backend.inference.service import MOST, MOST_VECTORS
from aistack_backend.wire.chat import Role
from aistack_backend.wire.models import EngineState, StageState


async def test_without_a_compiler_the_status_says_the_fix(
    make: Make, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smollm: Path
) -> None:
    monkeypatch.setenv("AISTACK_MODEL_DIR", str(smollm.parent))
    monkeypatch.setenv("PATH", str(tmp_path))
    service = await make(tmp_path / "empty", adapter="llama")
    await until(bus, EngineState.FAILED)
    status = service.model.status()
    assert "C++ compiler" in status.detail
    assert "AISTACK_ENGINE_WHEEL" in status.hint
    assert {stage.state for stage in status.stages} == {StageState.DONE, StageState.FAILED}


async def test_unknown_and_missing_models(memory: Service) -> None:
    for call in (memory.model.fetch, memory.model.use):
        with pytest.raises(NotFound):
            await call("no-such-model")
    with pytest.raises(Conflict, match="not on this machine"):
        await memory.model.use("qwen2.5-coder-1.5b-instruct")


async def test_too_many_are_refused_and_an_end_makes_room(memory: Service) -> None:
    asked = (Turn(role=Role.USER, text="hello"),)
    running = [memory.model.answer(asked, 100, 0.0) for _ in range(MOST)]
    for one in running:
        await anext(one)
    with pytest.raises(Unavailable, match=f"{MOST} requests wait"):
        await anext(memory.model.answer(asked, 100, 0.0))
    await running.pop().aclose()
    assert (await anext(memory.model.answer(asked, 100, 0.0))).text
    for one in running:
        await one.aclose()


async def test_vectors_come_with_the_name_of_their_model(memory: Service) -> None:
    assert memory.model.status().embedding_model == ""
    found = await memory.model.embed(["hello there", "hello"])
    assert (found.model, found.dimensions, len(found.vectors), found.tokens) == ("in-memory", 64, 2, 7)
    status = memory.model.status()
    assert (status.embedding_model, status.embedding_dimensions) == ("in-memory", 64)
    assert status.engine is EngineState.READY
    with pytest.raises(BadInput, match="empty"):
        await memory.model.embed([""])


async def test_too_many_that_want_vectors_are_refused(memory: Service) -> None:
    asked = [asyncio.create_task(memory.model.embed(["hello"] * 9)) for _ in range(MOST_VECTORS + 1)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    (refused,) = [one for one in done if isinstance(one, BaseException)]
    assert isinstance(refused, Unavailable)
    assert f"{MOST_VECTORS} requests wait" in refused.detail
    assert (await memory.model.embed(["hello"])).tokens == 3


async def test_without_an_engine_there_are_no_vectors(make: Make, bus: Bus, tmp_path: Path) -> None:
    service = await make(tmp_path / "empty", auto_prepare=False)
    await until(bus, EngineState.ABSENT)
    with pytest.raises(Unavailable, match="There is no engine yet"):
        await service.model.embed(["hello"])


@pytest.mark.engine
async def test_the_real_model_of_vectors_is_named_with_its_sha256(
    llama: Service, minilm: Path, make: Make, bus: Bus, tmp_path: Path, cache: Path, smollm: Path
) -> None:
    found = await llama.model.embed(["hello"])
    assert (found.model, found.sha256, found.dimensions) == (EMBEDDING.id, EMBEDDING.sha256, 384)
    assert llama.model.status().embedding_model == EMBEDDING.id
    without = tmp_path / "without"
    (without / "models").mkdir(parents=True)
    (without / "engine").symlink_to(cache / "engine")
    service = await make(without, auto_prepare=False)
    await until(bus, EngineState.NO_MODEL)
    with pytest.raises(Unavailable, match="No model of vectors is on this machine") as caught:
        await service.model.embed(["hello"])
    assert EMBEDDING.id in caught.value.hint
    (without / "models" / minilm.name).symlink_to(minilm)
    assert (await service.model.embed(["hello"])).vectors == found.vectors


@pytest.mark.engine
async def test_a_corrupt_file_of_the_operator_is_told(
    make: Make, bus: Bus, site: Path, cache: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "mine.gguf"
    bad.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 64)
    service = await make(cache, auto_prepare=False, model_path=str(bad))
    await until(bus, EngineState.FAILED, seconds=5)
    assert str(bad) in service.model.status().detail
    assert service.model.status().hint
    assert service.model.status().cards[0].note
