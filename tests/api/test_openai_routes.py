"""The other routes of OpenAI's API, and where all of them are: the operator's socket and the role."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.api.test_openai_chat import CHAT, SAY, events
from tests.bed.writing import Writes, client_of

from aistack_backend.inference.models import Rank

TEXT = "/v1/completions"


async def complete(held: Writes, **more: Any) -> httpx.Response:
    async with client_of(held) as client:
        return await client.post(TEXT, json={"prompt": "Once upon", **more})


async def test_a_text_is_gone_on_with() -> None:
    model = Writes(" a time.")
    said = (await complete(model, max_tokens=40, temperature=0, stop="END")).json()
    assert said["id"].startswith("cmpl-")
    assert (said["object"], said["created"], said["model"]) == ("text_completion", 7, "tiny.gguf")
    assert said["choices"] == [{"index": 0, "text": " a time.", "logprobs": None, "finish_reason": "stop"}]
    assert said["usage"]["total_tokens"] == 8
    (asked,) = model.asked
    assert (asked.prompt, asked.turns, asked.max_tokens, asked.stop) == ("Once upon", (), 40, ("END",))


async def test_a_text_streams() -> None:
    chunks = events(await complete(Writes(" a time."), stream=True, stream_options={"include_usage": True}))
    assert "".join(one["choices"][0]["text"] for one in chunks[:-1]) == " a time."
    assert [one["choices"][0]["finish_reason"] for one in chunks[:-1]] == [None, None, None, "stop"]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]) == ([], 3)


async def test_without_a_limit_it_is_that_of_the_api() -> None:
    model = Writes("x" * 100, size=1)
    said = (await complete(model, prompt=["one"])).json()
    assert (said["choices"][0]["finish_reason"], len(said["choices"][0]["text"])) == ("length", 16)
    assert model.asked[0].prompt == "one"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"echo": True}, "echo"),
        ({"best_of": 2}, "best_of"),
        ({"n": 2}, "n"),
        ({"logprobs": 0}, "logprobs"),
        ({"suffix": "end"}, "suffix"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt.0"),
        ({"prompt": None}, None),
        ({"max_tokens": -1}, "max_tokens"),
    ],
)
async def test_what_is_not_done_is_refused(wrong: dict[str, Any], param: str | None) -> None:
    model = Writes("x")
    answer = await complete(model, **wrong)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert param is None or error["param"].startswith("prompt" if param.startswith("prompt") else param), error
    assert model.asked == []


async def test_what_asks_for_nothing_is_taken() -> None:
    answer = await complete(Writes("x"), echo=False, best_of=1, n=1, suffix=None, logprobs=None, seed=3)
    assert (answer.status_code, answer.headers["x-aistack-ignored"]) == (200, "seed")


async def test_models_are_listed_and_told_one_by_one() -> None:
    async with client_of(Writes()) as client:
        said = (await client.get("/v1/models")).json()
        rows = [(one["id"], one["object"], one["owned_by"], one.get("state")) for one in said["data"]]
        assert rows == [("card-1", "model", "here", "ready"), ("other", "model", "there", None)]
        assert (await client.get("/v1/models/other")).json() == said["data"][1]
        gone = await client.get("/v1/models/offered")
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "model_not_found")


async def test_the_operators_socket_serves_it_under_v1(client: httpx.AsyncClient) -> None:
    said = (await client.post(CHAT, json={**SAY, "max_tokens": 3})).json()
    assert said["choices"][0]["message"]["content"] == "You said: hello "
    said = (await client.post(TEXT, json={"prompt": "so", "max_tokens": 3})).json()
    assert (said["choices"][0]["text"], said["usage"]["prompt_tokens"]) == ("You said: so ", 1)
    answer = await client.post(CHAT, json={**SAY, "model": "gpt-9"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert (await client.get("/v1/chats")).json()["sessions"] == [], "nothing of it is kept"


async def test_the_operators_list_of_models_has_both_forms(client: httpx.AsyncClient) -> None:
    said = (await client.get("/v1/models")).json()
    assert (said["object"], said["engine"]) == ("list", "ready")
    assert [one["id"] for one in said["data"]] == [card["id"] for card in said["cards"] if card["path"]]
    first = said["cards"][0]
    one = (await client.get(f"/v1/models/{first['id']}")).json()
    assert (one["id"], one["object"], one["owned_by"]) == (first["id"], "model", first["origin"])
    assert one["card"]["id"] == first["id"]
    assert (await client.get("/v1/models/no-such")).status_code == 404


async def test_only_a_person_at_the_console_goes_first() -> None:
    model = Writes("Hi")
    async with client_of(model, peer=object()) as client:
        for via in ("tui", "cli", "api"):
            await client.post(CHAT, json=SAY, headers={"x-aistack-via": via})
        await client.post(CHAT, json=SAY)
    async with client_of(model) as client:
        await client.post(CHAT, json=SAY, headers={"x-aistack-via": "tui"})
    assert [one.rank for one in model.asked] == [Rank.PERSON, Rank.PERSON, Rank.AGENT, Rank.AGENT, Rank.AGENT]


async def test_health_and_index_of_the_role_name_what_is_there() -> None:
    async with client_of(Writes()) as client:
        health = (await client.get("/health")).json()
        built = {one for one in health["built"] if "/v1/" in one}
        assert built == {
            "GET /v1/models",
            "GET /v1/models/{model}",
            "POST /v1/chat/completions",
            "POST /v1/completions",
        }
        await client.post(TEXT, json={"prompt": "x"})
        metrics = (await client.get("/metrics")).text
        assert '/v1/completions"' in metrics
        assert json.loads((await client.get("/")).text)["role"] == "llama-cpp"
