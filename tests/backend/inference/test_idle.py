"""A model that nobody asks is unloaded where that is wished, which is said, and the next question loads it again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.backend.inference.conftest import Make, Service, until

from aistack_backend.bus import Bus
from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.idle import Idle
from aistack_backend.inference.models import Piece, Turn
from aistack_backend.wire.chat import Finish, Role
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus

HELLO = (Turn(role=Role.USER, text="hello"),)


async def unloaded(bus: Bus) -> ModelStatus:
    """Wait until it is told that the model was unloaded."""
    async with asyncio.timeout(60):
        async for event in bus.read():
            if event.topic is Topic.MODEL and event.data.detail.startswith("Unloaded: idle for"):
                status: ModelStatus = event.data
                return status
    raise AssertionError("The bus ended.")


async def asked(service: Service) -> list[Piece]:
    return [piece async for piece in service.model.answer(HELLO, 4, 0.0)]


async def test_an_idle_model_is_unloaded_and_the_next_question_loads_it(make: Make, bus: Bus) -> None:
    service = await make(adapter="memory", idle_unload=0.05)
    status = await unloaded(bus)
    assert status.engine is EngineState.READY  # it can be asked
    assert "next question" in status.hint
    assert (status.context_size, status.memory, status.slots) == (None, None, ())
    assert service.model.answering() == status.model != ""
    both = await asyncio.gather(asked(service), asked(service))
    assert [pieces[-1].finish for pieces in both] == [Finish.LENGTH] * 2
    await unloaded(bus)


async def test_while_somebody_is_answered_it_stays(make: Make, bus: Bus) -> None:
    service = await make(adapter="memory", idle_unload=0.05)
    await until(bus, EngineState.READY)
    answer = service.model.answer(HELLO, 100, 0.0)
    await anext(answer)
    due = asyncio.Event()
    other = Idle(0.2, due.set)  # four times as long as the model's
    other.rest()
    await due.wait()
    assert not service.model.status().detail
    assert service.model.status().engine is EngineState.BUSY
    await answer.aclose()
    await unloaded(bus)


async def test_it_is_never_due_unless_wished() -> None:
    due = asyncio.Event()
    for one in (Idle(0.0, due.set), Idle(1e-9, due.set)):
        one.rest()
        one.wake()
    again = asyncio.Event()
    Idle(0.01, again.set).rest()
    await again.wait()
    assert not due.is_set()
    assert str(Idle(300.0, due.set)) == "5 min"


@pytest.mark.engine
async def test_the_worker_ends_and_comes_back(make: Make, bus: Bus, site: Path, smollm: Path, cache: Path) -> None:
    service = await make(cache, auto_prepare=False, idle_unload=0.5)
    status = await unloaded(bus)
    assert status.memory is None
    assert (await asked(service))[-1].finish is not None
    assert service.model.status().context_size


@pytest.mark.engine
async def test_the_model_of_vectors_alone_is_unloaded_too(
    make: Make, bus: Bus, site: Path, smollm: Path, minilm: Path, cache: Path
) -> None:
    service = await make(cache, auto_prepare=False, idle_unload=0.5)
    await unloaded(bus)  # the model that answers: what comes now is loaded for vectors alone
    engine = service.model._room._engine
    assert isinstance(engine, LlamaHost)
    for _ in range(2):
        assert (await service.model.embed(["hello"])).loaded_in
        async with asyncio.timeout(60):
            async for event in bus.read():
                if event.topic is Topic.MODEL and not engine.pid:
                    break
        assert service.model.status().memory is None
