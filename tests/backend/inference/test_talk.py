"""Chats: with the real model, and with the in-memory engine where only the rules count."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import psutil
import pytest
from tests.backend.inference.conftest import Make, Service, until

from aistack_backend.bus import Bus
from aistack_backend.errors import BadInput, Conflict, NotFound, Unavailable
from aistack_backend.inference.models import Turn
from aistack_backend.wire.chat import Chunk, Finish, Role, SayRequest, SessionChange
from aistack_backend.wire.models import EngineState

SCHEMA = json.dumps({"type": "object", "properties": {"tool": {"enum": ["start", "stop"]}}})


async def say(service: Service, text: str, session: int = 0, **more: int) -> list[Chunk]:
    return [chunk async for chunk in service.talk.say(SayRequest(session_id=session, text=text, **more))]


async def test_a_chat_is_kept_with_its_title(memory: Service) -> None:
    chunks = await say(memory, "tell me about the nine blue foxes that live near here", max_tokens=4)
    session = chunks[0].session_id
    assert chunks[-1].finish is Finish.LENGTH
    await say(memory, "and then?", session)
    kept = memory.talk.transcript(session)
    assert kept.session.title == "tell me about the nine blue foxes that"
    assert [message.role for message in kept.messages] == [Role.USER, Role.ASSISTANT] * 2
    assert kept.messages[1].text == "".join([chunk.text for chunk in chunks])
    assert kept.messages[1].first_token_after is not None
    assert memory.talk.sessions().sessions[0].messages == 4
    assert memory.talk.change(session, SessionChange(title="foxes")).title == "foxes"
    memory.talk.delete(session)
    assert memory.talk.sessions().sessions == ()
    for gone in (memory.talk.transcript, memory.talk.delete):
        with pytest.raises(NotFound):
            gone(session)


async def test_bad_messages_are_refused(memory: Service) -> None:
    for text in ("", "  \n", "x" * 200_001):
        with pytest.raises(BadInput):
            await say(memory, text)
    with pytest.raises(NotFound):
        await say(memory, "hello", 77)


async def test_cancel_ends_a_running_answer_and_keeps_its_text(memory: Service) -> None:
    chunks = []
    async for chunk in memory.talk.say(SayRequest(text="one two three")):
        chunks.append(chunk)
        if chunk.tokens == 2:
            await memory.talk.cancel(chunk.session_id)
    assert chunks[-1].finish is Finish.CANCELLED
    assert memory.talk.transcript(chunks[0].session_id).messages[-1].text == "You said: "


async def test_one_session_has_one_answer_at_a_time(memory: Service) -> None:
    answer = memory.talk.say(SayRequest(text="one"))
    first = await anext(answer)
    with pytest.raises(Conflict):
        await say(memory, "two", first.session_id)
    with pytest.raises(Conflict):
        memory.talk.delete(first.session_id)
    await answer.aclose()
    assert memory.talk.transcript(first.session_id).messages[-1].finish is Finish.CANCELLED


async def test_an_answer_that_waits_is_cancelled_at_once(memory: Service) -> None:
    running = memory.talk.say(SayRequest(text="hold the line"))
    assert not (await anext(running)).text
    assert (await anext(running)).text
    waiting = memory.talk.say(SayRequest(text="queued"))
    queued = await anext(waiting)
    await memory.talk.cancel(queued.session_id)
    (last,) = [chunk async for chunk in waiting]
    assert (last.finish, last.tokens) == (Finish.CANCELLED, 0)
    await running.aclose()
    assert (await say(memory, "free again", max_tokens=1))[-1].finish is Finish.LENGTH


async def test_an_answer_left_open_by_a_killed_backend_is_marked(memory: Service, make: Make) -> None:
    session = (await say(memory, "hello", max_tokens=1))[0].session_id
    await asyncio.to_thread(memory.talk._chats.open_answer, session, 0, "m")
    again = await make(adapter="memory")
    assert again.talk.transcript(session).messages[-1].finish is Finish.ERROR


async def test_without_an_engine_it_says_so_at_once(make: Make, bus: Bus, tmp_path: Path) -> None:
    service = await make(tmp_path / "empty", auto_prepare=False)
    await until(bus, EngineState.ABSENT)
    for call in (say(service, "hello"), service.model.choose([], SCHEMA, 10)):
        with pytest.raises(Unavailable, match="not built"):
            await asyncio.wait_for(call, 60)
    assert service.talk.sessions().sessions == ()


@pytest.mark.engine
async def test_the_real_model_chats_chooses_and_is_cancelled(llama: Service) -> None:
    first = await say(llama, "Say hello.", max_tokens=30)
    assert first[-1].finish in (Finish.STOP, Finish.LENGTH)
    assert first[-1].context_used
    second = await say(llama, "And again.", first[0].session_id, max_tokens=30)
    assert second[-1].tokens_per_second
    chosen = await llama.model.choose([Turn(role=Role.USER, text="Stop it.")], SCHEMA, 40)
    assert json.loads(chosen)["tool"] in ("start", "stop")
    status = llama.model.status()
    assert (status.engine, status.adapter) == (EngineState.READY, "llama-cpp-python 0.3.36")
    assert status.model == "smollm2-135m-instruct"
    assert next(card for card in status.cards if card.active).fits is True


@pytest.mark.engine
async def test_a_dead_worker_ends_the_answer_with_a_sentence_and_comes_back(llama: Service, bus: Bus) -> None:
    chunks = []
    async for chunk in llama.talk.say(SayRequest(text="Tell a story that never ends.", max_tokens=2000)):
        chunks.append(chunk)
        if chunk.tokens == 3 and chunk.finish is None:
            child = next(one for one in psutil.Process().children() if "inference.worker" in " ".join(one.cmdline()))
            child.kill()
    assert chunk.finish is Finish.ERROR
    assert "SIGKILL" in chunk.detail
    await llama.talk.cancel(chunk.session_id)
    await until(bus, EngineState.READY)
    kept = llama.talk.transcript(chunk.session_id).messages[-1]
    assert (kept.finish, kept.text) == (Finish.ERROR, "".join([one.text for one in chunks]))
    assert (await say(llama, "Say hello.", max_tokens=3))[-1].finish is not Finish.ERROR


@pytest.mark.engine
async def test_who_waits_is_told_how_many_are_served_before(llama: Service) -> None:
    long = (Turn(role=Role.USER, text="Tell a very long story about a fox."),)
    running = [llama.model.answer(long, 4000, 0.3) for _ in range(4)]
    for one in running:
        await anext(one)
    chat = llama.talk.say(SayRequest(text="hello", max_tokens=4000))
    async with asyncio.timeout(60):
        async for chunk in chat:
            if chunk.ahead:
                break
    assert chunk.ahead
    assert not chunk.text
    await asyncio.gather(*[one.aclose() for one in (chat, *running)])


@pytest.mark.engine
async def test_esc_while_it_writes_is_silence_within_300_ms(llama: Service) -> None:
    began = 0.0
    async for chunk in llama.talk.say(SayRequest(text="Tell a story that never ends.", max_tokens=2000)):
        if chunk.tokens == 5:
            began = time.monotonic()
            await llama.talk.cancel(chunk.session_id)
    assert chunk.finish is Finish.CANCELLED
    assert time.monotonic() - began < 0.3


@pytest.mark.engine
async def test_esc_while_it_reads_is_silence_within_300_ms(llama: Service, bus: Bus) -> None:
    answer = llama.talk.say(SayRequest(text="The quick brown fox jumps over the lazy dog. " * 300, max_tokens=2000))
    session = (await anext(answer)).session_id
    last = asyncio.create_task(anext(answer))
    await until(bus, EngineState.BUSY)
    assert not (await asyncio.wait({last}, timeout=0.5))[0], "it has read the prompt already"
    began = time.monotonic()
    await llama.talk.cancel(session)
    chunk = await last
    assert chunk.finish is Finish.CANCELLED
    assert chunk.tokens == 0
    assert time.monotonic() - began < 0.3
