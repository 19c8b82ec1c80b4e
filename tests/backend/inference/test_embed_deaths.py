"""A worker that dies over a text: a typed error, and quarantine for the model of vectors, not for the chat's."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from aistack_backend.inference.host import LlamaHost
from aistack_backend.inference.models import EngineDied, InferenceSettings, Quarantined, Request, Turn
from aistack_backend.wire.chat import Role
from aistack_backend.wire.models import EngineState

from .conftest import HASTY, States

pytestmark = pytest.mark.engine
LONG = ["word " * 500] * 12
SHORT = Request(turns=(Turn(role=Role.USER, text="Say hello."),), max_tokens=4)


async def until(there: Callable[[], bool]) -> None:
    """Look at each turn of the loop: the host tells this by no event."""
    async with asyncio.timeout(60):
        while not there():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def struck_over_a_text(host: LlamaHost, minilm: Path, number: signal.Signals, said: str) -> None:
    """Signal the worker while it computes a text. It may have been between two by then: such a request goes on."""
    for _ in range(10):
        task = asyncio.create_task(host.embed(minilm, LONG))
        await until(lambda: host.embedding)
        os.kill(host.pid, number)
        done, _ = await asyncio.wait({task}, timeout=200)
        assert done
        if error := task.exception():
            assert isinstance(error, EngineDied)
            assert said in error.detail
            return
    raise AssertionError("the worker was never struck over a text")


async def test_a_worker_that_dies_over_a_text_fails_it_and_the_next_one_comes(host: LlamaHost, minilm: Path) -> None:
    await struck_over_a_text(host, minilm, signal.SIGKILL, "SIGKILL")
    assert (await host.embed(minilm, ["hello"])).tokens == 3


async def test_three_deaths_put_the_model_of_vectors_in_quarantine_and_the_other_chats_on(
    site: Path, smollm: Path, minilm: Path, tmp_path: Path, states: States
) -> None:
    host = LlamaHost(site, tmp_path, InferenceSettings(context=1024), states.watch, HASTY)
    try:
        await host.load(smollm)
        for _ in range(3):
            await struck_over_a_text(host, minilm, signal.SIGKILL, "SIGKILL")
        with pytest.raises(Quarantined, match=r"^all-MiniLM.* crashed the model worker three times"):
            await host.embed(minilm, ["hello"])
        assert EngineState.QUARANTINED not in states.names()
        assert "turning a text into a vector" in next(
            detail for state, detail, _ in states.told if state is EngineState.CRASHED
        )
        await until(lambda: host.loaded is not None)
        assert [piece async for piece in host.generate(SHORT)][-1].finish is not None
        host.forgive(minilm)
        assert (await host.embed(minilm, ["hello"])).tokens == 3
    finally:
        await host.close()


async def test_texts_that_wait_outlive_a_death_over_an_answer(
    host: LlamaHost, smollm: Path, minilm: Path, states: States
) -> None:
    await host.load(smollm)
    await host.embed(minilm, ["hello"])
    os.kill(host.pid, signal.SIGKILL)
    assert (await asyncio.wait_for(host.embed(minilm, ["hello"]), 60)).tokens == 3
    await states.until(EngineState.READY, 2)


async def test_another_model_for_chat_costs_no_text(host: LlamaHost, smollm: Path, minilm: Path) -> None:
    task = asyncio.create_task(host.embed(minilm, LONG[:4]))
    await until(lambda: host.embedding)
    await host.load(smollm)
    assert len((await asyncio.wait_for(task, 120)).vectors) == 4
    assert host.loaded is not None


async def test_what_hangs_over_a_text_is_killed(host: LlamaHost, minilm: Path) -> None:
    await struck_over_a_text(host, minilm, signal.SIGSTOP, "no sign of life")
    assert (await host.embed(minilm, ["hello"])).tokens == 3
