"""OpenAI's API over the real small model, by the official client: our own engine, and the one of the role's image."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.backend import wait_until
from tests.bed.openai_client import client_on_a_port

from aistack_backend.api.roles.own_model import OwnModel
from aistack_backend.wire.models import EngineState

from .conftest import Service

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}},
    },
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture
async def backend(llama: Service) -> AsyncIterator[Any]:
    async with client_on_a_port(llama.model) as client:
        yield client


@pytest.fixture
async def role(first_site: Path, smollm: Path, tmp_path: Path) -> AsyncIterator[Any]:
    own = OwnModel(first_site, smollm, tmp_path)
    own.start()
    try:
        ready = lambda: own.status().engine is EngineState.READY  # noqa: E731
        await asyncio.to_thread(wait_until, ready, 60, lambda: str(own.status()))
        async with client_on_a_port(own) as client:
            yield client
    finally:
        await own.stop()


async def test_our_own_engine_answers_in_every_form(backend: Any) -> None:
    await every_form(backend)


async def test_the_engine_of_the_roles_image_answers_in_every_form(role: Any) -> None:
    await every_form(role)


async def every_form(client: Any) -> None:
    say: dict[str, Any] = {"model": "default", "temperature": 0, "max_tokens": 60}
    hello = [{"role": "user", "content": "Say hello."}]
    said = await client.chat.completions.create(messages=hello, **{**say, "max_tokens": 8})
    assert said.choices[0].message.content
    assert 1 <= said.usage.completion_tokens <= 8

    stream = await client.completions.create(prompt="The capital of France is", stream=True, **{**say, "max_tokens": 8})
    assert "Paris" in "".join([chunk.choices[0].text async for chunk in stream])

    ask = [{"role": "user", "content": "What is the weather in Graz?"}]
    said = await client.chat.completions.create(messages=ask, tools=[WEATHER], tool_choice="required", **say)
    assert said.choices[0].finish_reason == "tool_calls"
    (call,) = said.choices[0].message.tool_calls
    assert (call.function.name, list(json.loads(call.function.arguments))) == ("weather", ["city"])

    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    person = [{"role": "user", "content": "Make up a person."}]
    said = await client.chat.completions.create(messages=person, response_format=form, **say)
    assert set(json.loads(said.choices[0].message.content)) == {"name", "age"}
