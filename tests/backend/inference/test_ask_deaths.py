"""The real model and a question about the stack: what was measured stands, whatever becomes of the worker."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator

import psutil
import pytest
from tests.backend.inference.conftest import Service, until

from aistack_backend.bus import Bus
from aistack_backend.inference.lookup import Asked, Found
from aistack_backend.wire.chat import OWN, Chunk, Cite, Finish, SayRequest, parts
from aistack_backend.wire.models import EngineState

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]
TEXT = "redis is running. It was started at 09:41 and uses 12 MiB of memory."


class Redis:
    """Reads one thing, whatever the question."""

    async def look(self, asked: Asked) -> AsyncGenerator[Found, None]:
        yield Found(looking="ladder of redis")
        cite = Cite(number=asked.first, what="ladder of redis", at=time.time(), text=TEXT)
        yield Found(cite=cite, says=f"{TEXT} [{asked.first}]")

    async def attached(self, what: str, number: int, room: int) -> Cite:
        return Cite(number=number, what=what, at=time.time(), text=TEXT)

    def knows(self, text: str, wishes: bool) -> bool:
        return True

    def can(self) -> str:
        return "Ask for redis."


@pytest.fixture
def asked(llama: Service) -> Service:
    llama.talk.lookup = Redis()
    return llama


def kill_the_worker() -> None:
    mine = psutil.Process().children(recursive=True)
    next(one for one in mine if "inference.worker" in " ".join(one.cmdline())).kill()


def measured_first(chunks: list[Chunk], began: float) -> str:
    """Check what the person has in any case; return the rest of the answer."""
    (cite,) = chunks[-1].cites
    assert (cite.what, cite.told) == ("ladder of redis", True)
    assert began <= cite.at <= time.time()
    text = "".join(one.text for one in chunks)
    assert text.startswith(f"{TEXT} [1]")
    assert set(re.findall(r"\d+", parts(text, chunks[-1].cites)[0])) >= {"09", "41", "12"}
    return text.removeprefix(f"{TEXT} [1]")


async def test_the_numbers_come_first_from_the_rules_and_the_models_words_after(asked: Service) -> None:
    began = time.time()
    chunks = [one async for one in asked.talk.say(SayRequest(text="is redis up?", ask=True, max_tokens=12))]
    rest = measured_first(chunks, began)
    assert rest.startswith(f"\n\n{OWN}\n\n")
    assert (chunks[-1].route, chunks[-1].finish) == ("local", Finish.LENGTH) or chunks[-1].finish is Finish.STOP


async def test_a_worker_killed_in_mid_answer_leaves_what_was_measured_and_says_so(asked: Service, bus: Bus) -> None:
    began, chunks = time.time(), list[Chunk]()
    async for chunk in asked.talk.say(SayRequest(text="is redis up? Tell it at length.", ask=True, max_tokens=900)):
        chunks.append(chunk)
        if chunk.tokens == 2 and chunk.finish is None:
            kill_the_worker()
    rest = measured_first(chunks, began)
    assert rest.startswith(f"\n\n{OWN}\n\n")
    assert chunks[-1].finish is Finish.ERROR
    assert "SIGKILL" in chunks[-1].detail
    kept = asked.talk.transcript(chunks[0].session_id).messages[-1]
    assert (kept.finish, kept.text) == (Finish.ERROR, "".join(one.text for one in chunks))
    await until(bus, EngineState.READY, seconds=60)
    again = [one async for one in asked.talk.say(SayRequest(text="is redis up?", ask=True, max_tokens=4))]
    assert again[-1].finish is not Finish.ERROR


async def test_a_worker_killed_before_the_first_word_costs_nothing_that_was_measured(asked: Service) -> None:
    """The worker may speak once before it dies, and its queue outlives it: three ends are right."""
    began, chunks = time.time(), list[Chunk]()
    async for chunk in asked.talk.say(SayRequest(text="is redis up? " * 100, ask=True, max_tokens=6)):
        if chunk.text and not any(one.text for one in chunks):
            kill_the_worker()
        chunks.append(chunk)
    rest, last = measured_first(chunks, began), chunks[-1]
    if last.route == "rules":
        assert rest.startswith("\n\nThe local model does not answer now: ")
        assert last.finish is Finish.STOP
    elif last.finish is Finish.ERROR:
        assert "SIGKILL" in last.detail
    else:
        assert rest.startswith(f"\n\n{OWN}\n\n")
