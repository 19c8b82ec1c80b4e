"""The official client reads what is served: answers, streams, tools, schemas, models and every error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from tests.bed.openai_client import client_on_a_port, openai
from tests.bed.writing import Writes

from aistack_backend.errors import Unavailable
from aistack_backend.inference.models import TooMany
from aistack_backend.wire.models import EngineState

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Point(BaseModel):
    """What is asked for by its schema."""

    x: int
    words: list[str]
    near: Near | None = None


class Near(BaseModel):
    """A definition of its own in the schema."""

    y: float


async def test_it_reads_an_answer_and_what_it_took() -> None:
    async with client_on_a_port(Writes("Hello.")) as client:
        said = await client.chat.completions.create(model="default", messages=HELLO, seed=3, max_completion_tokens=50)
        assert (said.choices[0].message.content, said.choices[0].finish_reason) == ("Hello.", "stop")
        assert (said.usage.total_tokens, said.usage.prompt_tokens_details.cached_tokens) == (7, 2)
        raw = await client.chat.completions.with_raw_response.create(model="default", messages=HELLO, seed=3)
        assert raw.headers["x-aistack-ignored"] == "seed"


async def test_it_reads_a_stream_and_its_usage() -> None:
    async with client_on_a_port(Writes("Hello.")) as client:
        stream = await client.chat.completions.create(
            model="default", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Hello."
        assert chunks[-1].usage.total_tokens == 7
        async with client.chat.completions.stream(model="default", messages=HELLO) as events:
            final = await events.get_final_completion()
        assert final.choices[0].message.content == "Hello."


async def test_it_calls_a_tool_and_tells_its_answer() -> None:
    model = Writes('{"tool": "weather", "args": {"city": "Graz"}}', then='{"answer": "It rains."}')
    async with client_on_a_port(model) as client:
        said = await client.chat.completions.create(model="default", messages=HELLO, tools=[TOOL])
        message = said.choices[0].message
        assert said.choices[0].finish_reason == "tool_calls"
        assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Graz"}
        told = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
        said = await client.chat.completions.create(model="default", messages=[*HELLO, message, told], tools=[TOOL])
        assert said.choices[0].message.content == "It rains."
    assert model.asked[1].turns[-1].text == "The tool weather gave:\n| rain"


async def test_it_reads_a_call_in_a_stream() -> None:
    model = Writes('{"tool": "weather", "args": {"city": "Graz"}}')
    async with client_on_a_port(model) as client:
        wish = {"model": "default", "messages": HELLO, "tools": [TOOL], "tool_choice": "required"}
        async with client.chat.completions.stream(**wish) as events:
            final = await events.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Graz"})


async def test_it_parses_an_answer_into_a_class() -> None:
    model = Writes('{"x": 3, "words": ["a"], "near": {"y": 0.5}}')
    async with client_on_a_port(model) as client:
        said = await client.chat.completions.parse(model="default", messages=HELLO, response_format=Point)
    assert said.choices[0].message.parsed == Point(x=3, words=["a"], near=Near(y=0.5))


async def test_it_parses_a_call_into_a_class() -> None:
    model = Writes('{"tool": "Point", "args": {"x": 3, "words": [], "near": null}}')
    tool = openai.pydantic_function_tool(Point)
    async with client_on_a_port(model) as client:
        said = await client.chat.completions.parse(model="default", messages=HELLO, tools=[tool])
    assert said.choices[0].message.tool_calls[0].function.parsed_arguments == Point(x=3, words=[], near=None)


async def test_it_goes_on_with_a_text() -> None:
    async with client_on_a_port(Writes(" a time.")) as client:
        said = await client.completions.create(model="default", prompt="Once upon", max_tokens=9)
        assert said.choices[0].text == " a time."
        stream = await client.completions.create(model="default", prompt="Once upon", stream=True)
        assert "".join([chunk.choices[0].text async for chunk in stream]) == " a time."


async def test_it_lists_the_models() -> None:
    async with client_on_a_port(Writes()) as client:
        assert [one.id async for one in client.models.list()] == ["card-1", "other"]
        assert (await client.models.retrieve("other")).owned_by == "there"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gone")


@pytest.mark.parametrize(
    ("kind", "wish"),
    [
        ("BadRequestError", {"n": 2}),
        ("BadRequestError", {"temperature": 9}),
        ("BadRequestError", {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}),
        ("NotFoundError", {"model": "gpt-9"}),
    ],
)
async def test_its_own_errors_are_raised(kind: str, wish: dict[str, Any]) -> None:
    async with client_on_a_port(Writes("Hi")) as client:
        with pytest.raises(getattr(openai, kind)) as told:
            await client.chat.completions.create(**{"model": "default", "messages": HELLO, **wish})
    assert told.value.type == "invalid_request_error"
    assert told.value.param
    assert told.value.body["message"].endswith(".")


async def test_a_model_that_is_not_there_is_a_server_error() -> None:
    model = Writes("Hi")
    model.engine = EngineState.LOADING
    async with client_on_a_port(model) as client:
        with pytest.raises(openai.InternalServerError) as told:
            await client.chat.completions.create(model="default", messages=HELLO)
    assert (told.value.status_code, told.value.code) == (503, "unavailable")


async def test_too_many_requests_are_a_rate_limit() -> None:
    async with client_on_a_port(Writes(error=TooMany("32 requests wait for the model already."))) as client:
        with pytest.raises(openai.RateLimitError) as told:
            await client.chat.completions.create(model="default", messages=HELLO, stream=True)
    assert told.value.code == "too_many_requests"


async def test_an_error_in_the_middle_of_a_stream_is_raised() -> None:
    async with client_on_a_port(Writes("Hello.", error=Unavailable("The worker died."), after=1)) as client:
        stream = await client.chat.completions.create(model="default", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="The worker died"):
            _ = [chunk async for chunk in stream]
