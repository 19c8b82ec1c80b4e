"""The local model in OpenAI's form, over the engine that needs no model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from aistack_backend.api.openai.routes import endpoints
from aistack_backend.api.openai.streaming import apart
from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.site import build
from aistack_backend.inference.models import Piece
from aistack_backend.wire.models import EngineState, ModelCard, ModelStatus

SAY = {"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "hello"}]}


async def complete(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await client.post("/llama/v1/chat/completions", json={**SAY, **more})


async def test_an_answer_comes_whole(client: httpx.AsyncClient) -> None:
    said = (await complete(client, max_tokens=3)).json()
    assert (said["object"], said["choices"][0]["finish_reason"]) == ("chat.completion", "length")
    assert said["choices"][0]["message"] == {"role": "assistant", "content": "You said: hello "}
    assert said["usage"]["completion_tokens"] == 3
    assert said["usage"]["total_tokens"] == said["usage"]["prompt_tokens"] + 3


async def test_an_answer_streams(client: httpx.AsyncClient) -> None:
    answer = await complete(client, stream=True, max_completion_tokens=4)
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    choices = [json.loads(line)["choices"][0] for line in lines[:-1]]
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "You said: hello hello "
    assert choices[0]["delta"]["role"] == "assistant"
    assert [choice["finish_reason"] for choice in choices] == [None] * 4 + ["length"]


async def test_nothing_of_it_is_kept(client: httpx.AsyncClient) -> None:
    await complete(client)
    assert (await client.get("/v1/chats")).json()["sessions"] == []


async def test_the_models_on_disk_are_listed(client: httpx.AsyncClient) -> None:
    said = (await client.get("/llama/v1/models")).json()
    here = [card["id"] for card in (await client.get("/v1/models")).json()["cards"] if card["path"]]
    assert (said["object"], [one["id"] for one in said["data"]]) == ("list", here)


class Loaded:
    """A model of a role's container, as far as its list is asked."""

    def __init__(self, engine: EngineState) -> None:
        self.engine = engine

    def status(self) -> ModelStatus:
        cards = [ModelCard(id=one, name=one, licence="", origin="", size=1, path="/m") for one in ("a.gguf", "b.gguf")]
        return ModelStatus(engine=self.engine, since=0.0, model="b.gguf", cards=tuple(cards))

    async def answer(self, *_: Any, **__: Any) -> AsyncGenerator[Piece, None]:
        yield Piece(text="Hi")


@pytest.mark.parametrize("engine", [EngineState.READY, EngineState.BUSY, EngineState.LOADING])
async def test_the_list_says_which_is_loaded_and_whether_it_is_free(engine: EngineState) -> None:
    site = build(named("llama-cpp"), endpoints(lambda _: Loaded(engine), time.time), (), "container")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://localhost") as client:
        said = (await client.get("/v1/models")).json()
    assert [(one["id"], one.get("state")) for one in said["data"]] == [("a.gguf", None), ("b.gguf", engine.value)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": "x"},
        {"max_tokens": "many"},
    ],
)
async def test_what_is_no_conversation_is_refused(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await complete(client, **wrong)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_an_answer_is_made_whether_or_not_it_is_read() -> None:
    made = 0

    async def speak() -> AsyncGenerator[Piece, None]:
        nonlocal made
        for _ in range(500):
            made += 1
            yield Piece(text="word ")

    pieces = apart(speak())
    assert (await anext(pieces)).text == "word "
    while made < 500:
        await asyncio.wait_for(asyncio.sleep(0), 60)
    await pieces.aclose()
