"""``/v1/chat/completions`` field by field: what is served, what is refused, what is ignored and told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.bed.writing import Writes, client_of

from aistack_backend.errors import Unavailable
from aistack_backend.inference.models import Rank
from aistack_backend.wire.chat import Role
from aistack_backend.wire.models import EngineState

CHAT = "/v1/chat/completions"
SAY: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}
POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "additionalProperties": False}


def schema_form(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "point", "strict": True, "schema": schema}}


async def ask(held: Writes, **more: Any) -> httpx.Response:
    async with client_of(held) as client:
        return await client.post(CHAT, json={**SAY, **more})


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """The chunks of a stream that came to its end."""
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


async def test_what_is_asked_reaches_the_model() -> None:
    model = Writes("Hello.")
    answer = await ask(
        model,
        messages=[
            {"role": "developer", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c"},
            {"role": "user", "content": "d"},
        ],
        max_completion_tokens=9,
        max_tokens=4,
        temperature=1,
        stop=["x", "y"],
    )
    assert answer.status_code == 200
    (asked,) = model.asked
    turns = [(turn.role, turn.text) for turn in asked.turns]
    assert turns == [(Role.SYSTEM, "Be short."), (Role.USER, "ab"), (Role.ASSISTANT, "c"), (Role.USER, "d")]
    assert (asked.max_tokens, asked.temperature, asked.stop, asked.schema) == (9, 1.0, ("x", "y"), "")
    assert asked.rank is Rank.AGENT


async def test_the_answer_has_the_apis_form() -> None:
    said = (await ask(Writes("Hello."))).json()
    assert said["id"].startswith("chatcmpl-")
    assert (said["object"], said["created"], said["model"]) == ("chat.completion", 7, "tiny.gguf")
    (choice,) = said["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hello."}
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "stop", None)
    assert said["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 2},
    }


async def test_a_stream_tells_its_usage_only_when_asked() -> None:
    chunks = events(await ask(Writes("Hello."), stream=True))
    assert [one["choices"][0]["finish_reason"] for one in chunks] == [None, None, "stop"]
    assert all("usage" not in one for one in chunks)
    chunks = events(await ask(Writes("Hello."), stream=True, stream_options={"include_usage": True}))
    assert [one["usage"] for one in chunks[:-1]] == [None] * 3
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 7)
    assert len({one["id"] for one in chunks}) == 1


async def test_a_stop_text_ends_it() -> None:
    said = (await ask(Writes("one END two"), stop=" END")).json()
    assert (said["choices"][0]["message"]["content"], said["choices"][0]["finish_reason"]) == ("one", "stop")


@pytest.mark.parametrize("name", ["", "default", "tiny.gguf", "card-1"])
async def test_the_loaded_model_has_these_names(name: str) -> None:
    assert (await ask(Writes("Hi"), model=name)).json()["model"] == "tiny.gguf"


async def test_another_model_is_404_and_says_which_is_loaded() -> None:
    model = Writes("Hi")
    answer = await ask(model, model="gpt-9")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": "The model 'gpt-9' does not answer here: tiny.gguf is loaded.",
        "type": "invalid_request_error",
        "code": "model_not_found",
        "param": "model",
    }
    assert model.asked == []


async def test_without_a_model_it_is_503() -> None:
    model = Writes("Hi")
    model.engine = EngineState.LOADING
    answer = await ask(model)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (503, "server_error")
    assert error["message"] == "No model answers now (loading). It is so."


async def test_json_is_asked_by_its_schema() -> None:
    model = Writes('{"x": 3}')
    said = (await ask(model, response_format=schema_form(POINT))).json()
    assert json.loads(said["choices"][0]["message"]["content"]) == {"x": 3}
    assert json.loads(model.asked[0].schema) == POINT
    await ask(model, response_format={"type": "json_object"})
    assert json.loads(model.asked[1].schema) == {"type": "object"}
    await ask(model, response_format={"type": "text"})
    assert model.asked[2].schema == ""


async def test_an_answer_that_does_not_keep_its_schema_is_told() -> None:
    broken = '{"x": "three"}'
    answer = await ask(Writes(broken), response_format=schema_form(POINT))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "form_not_kept")
    *_, last = events(await ask(Writes(broken), response_format=schema_form(POINT), stream=True))
    assert last["error"]["code"] == "form_not_kept"


async def test_an_answer_cut_by_its_limit_says_so() -> None:
    said = (await ask(Writes('{"x": 3}'), response_format=schema_form(POINT), max_tokens=1)).json()
    assert said["choices"][0]["finish_reason"] == "length"


async def test_what_is_ignored_is_listed() -> None:
    more = {"seed": 7, "user": "me", "top_p": 0.5, "presence_penalty": 0, "store": False, "what_is_it": 1, "a b": 1}
    answer = await ask(Writes("Hi"), **more, metadata=None)
    assert answer.status_code == 200
    assert answer.headers["x-aistack-ignored"] == "seed,top_p,user,what_is_it"
    assert "x-aistack-ignored" not in (await ask(Writes("Hi"))).headers
    streamed = await ask(Writes("Hi"), seed=1, stream=True)
    assert streamed.headers["x-aistack-ignored"] == "seed"


async def test_stop_means_nothing_to_what_is_held_to_a_form() -> None:
    model = Writes('{"x": 3}')
    answer = await ask(model, response_format=schema_form(POINT), stop="}")
    assert answer.headers["x-aistack-ignored"] == "stop"
    assert model.asked[0].stop == ()


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "x", "format": "wav"}}, "audio"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"messages": None}, None),
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"content": "x"}]}, "messages.0"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages.0.tool_call_id"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"temperature": 9}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"model": 5}, "model"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": ""}, "stop"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": schema_form({"type": "array", "not": {}})}, "response_format.json_schema.schema"),
        ({"response_format": schema_form({})}, "response_format.json_schema.schema"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_field(wrong: dict[str, Any], param: str | None) -> None:
    model = Writes("Hi")
    answer = await ask(model, **wrong)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param), error
    assert error["message"].endswith(".")
    assert model.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"\xff",
        b"[" * 100_000,
        b'{"messages": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b'{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema", "json_schema": '
        b'{"schema": ' + b'{"anyOf": [' * 300 + b"1" + b"]}" * 300 + b"}}}",
    ],
)
async def test_what_is_no_request_is_refused_in_one_sentence(body: bytes) -> None:
    async with client_of(Writes("Hi")) as client:
        answer = await client.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert len(answer.json()["error"]["message"]) < 500


async def test_refusals_of_the_door_have_the_same_form() -> None:
    async with client_of(Writes("Hi")) as client:
        for wrong, status in (
            ({"headers": {"content-type": "text/plain"}}, 415),
            ({"headers": {"content-type": "application/json", "host": "evil.example"}}, 421),
            ({"headers": {"content-type": "application/json", "origin": "http://localhost"}}, 403),
            ({"headers": {"content-type": "application/json", "content-length": "9999999"}}, 413),
        ):
            answer = await client.post(CHAT, content=b"{}", **wrong)  # type: ignore[arg-type]
            assert (answer.status_code, set(answer.json()["error"])) == (status, {"message", "type", "code", "param"})
        huge = json.dumps({**SAY, "user": "x" * (1 << 20)}).encode()

        async def sent() -> Any:
            yield huge

        answer = await client.post(CHAT, content=sent(), headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_what_breaks_before_the_first_word_is_a_status_and_later_an_event() -> None:
    gone = Unavailable("The worker died.", "Ask again.")
    for stream in (False, True):
        answer = await ask(Writes("Hi", error=gone), stream=stream)
        assert (answer.status_code, answer.json()["error"]["message"]) == (503, "The worker died. Ask again.")
    *_, last = events(await ask(Writes("Hello.", error=gone, after=1), stream=True))
    assert last["error"]["message"] == "The worker died. Ask again."


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_ends_the_answer(stream: bool) -> None:
    model = Writes("")
    model.endless = True
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    body = json.dumps({**SAY, "stream": stream}).encode()
    sent.put_nowait({"type": "http.request", "body": body})
    head = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": CHAT, "headers": head, "query_string": b"", "root_path": ""}

    async def told(_: Any) -> None:
        pass

    async with client_of(model) as client:
        site: Any = client._transport.app  # type: ignore[attr-defined]
        asking = asyncio.create_task(site({**scope, "asgi": {"version": "3.0"}}, sent.get, told))
        async with asyncio.timeout(20):
            await model.begun.wait()
            sent.put_nowait({"type": "http.disconnect"})
            await model.closed.wait()
            await asking
