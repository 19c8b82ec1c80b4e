"""The model's standing, and what it says of models that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.backend.inference.conftest import Make, Service, until

from aistack_backend.bus import Bus
from aistack_backend.errors import Conflict, NotFound, Unavailable
from aistack_backend.inference.models import Turn
from aistack_backend.inference.service import MOST
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
