"""``/v1/route`` over the whole application: a question goes the way that the rules say, and is written down once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.bed.endpoint import Endpoint, completion, endpoint

from .conftest import make_app, running, settings_in, small_world


def app_with(tmp_path: Path, toml: str = "", **env: str) -> FastAPI:
    file = tmp_path / "config.toml"
    file.write_text(toml)
    return make_app(settings_in(tmp_path, AISTACK_CONFIG=str(file), **env), small_world())


def far(there: Endpoint, more: str = "") -> str:
    return f'[providers.far]\nurl = "{there.url}"\nmodel = "big"\n{more}\n'


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app_with(tmp_path)) as found:
        yield found


async def ask(client: httpx.AsyncClient, query: str, path: str = "/v1/route", **more: Any) -> dict[str, Any]:
    answer = await client.post(path, json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_local_model_answers_and_it_is_written_down_once(client: httpx.AsyncClient) -> None:
    said = await ask(client, "What is NixOS?", context={})
    assert (said["route"], said["task_class"], said["cost"], said["provider"]) == ("local", "lookup", "0", "")
    assert said["answer"]
    assert said["latency"] > 0
    assert said["tokens_out"] > 0
    assert (said["confidence"], said["measured"]) == (
        None, "Nothing was measured: it would have decided nothing.",
    )  # fmt: skip
    assert "No endpoint elsewhere is configured." in said["reason"]
    assert [(one["route"], one["asked"], one["ok"]) for one in said["tried"]] == [("local", True, True)]
    (kept,) = (await client.get("/v1/routes")).json()["routes"]
    assert (kept["id"], kept["query"], kept["answer"]) == (said["id"], "What is NixOS?", said["answer"])
    assert (kept["reason"], kept["latency"], kept["ok"]) == (said["reason"], said["latency"], True)


async def test_the_role_takes_the_notes_own_line(client: httpx.AsyncClient) -> None:
    said = await ask(client, "What is NixOS?", "/hybrid/route", context={})
    assert said["route"] == "local"
    numbers = [(await ask(client, f"Question {one}?", "/hybrid/route"))["id"] for one in range(3)]
    assert numbers == sorted(set(numbers))
    assert len((await client.get("/v1/routes")).json()["routes"]) == 4


async def test_without_any_model_the_answer_says_so_and_is_written_down(tmp_path: Path) -> None:
    async with running(app_with(tmp_path, AISTACK_MODEL_ENABLED="false")) as client:
        said = await ask(client, "What is NixOS?")
        assert (said["route"], said["model"], said["cost"], said["tokens_out"]) == ("none", "", None, None)
        assert said["answer"].startswith("No model answered this question.")
        assert "switched off" in said["answer"]
        (kept,) = (await client.get("/v1/routes")).json()["routes"]
        assert (kept["route"], kept["ok"]) == ("none", False)


async def test_a_question_that_leaves_is_written_down_before(tmp_path: Path) -> None:
    with endpoint(completion("Far away.", read=20, written=4)) as there:
        priced = 'price_in = 3\nprice_out = 15\ncurrency = "USD"'
        async with running(app_with(tmp_path, far(there, priced))) as client:
            said = await ask(client, "What is NixOS?", prefer="remote")
    assert (said["route"], said["provider"], said["answer"]) == ("remote", "far", "Far away.")
    assert (said["cost"], said["currency"], said["tokens_in"]) == ("0.00012", "USD", 20)
    assert "The asker prefers remote." in said["reason"]
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"query": ""}, "A question has 1 to 10240 bytes; this one has 0."),
        ({"query": "x" * 10_241}, "A question has 1 to 10240 bytes; this one has 10241."),
        ({"query": "a", "context": {"x": "y" * 40_000}}, "The context has"),
        ({"query": "a", "prefer": "mars"}, "'mars' is no route to prefer."),
        ({"query": "a", "session": "a b"}, "A session is named by"),
        ({"query": "a", "max_tokens": 0}, "max_tokens is 1 to"),
        ({"query": "'; DROP TABLE users; --"}, "The text holds an injected statement"),
        ({"query": "show ../../../etc/passwd"}, "The text holds a way out of a folder"),
        ({"query": "<script>alert(1)</script>"}, "The text holds a script for a browser"),
        ({"query": "a", "context": {"a": ["${jndi:ldap://x}"]}}, "The text holds a lookup by a logger"),
        ({"query": "a\u0000b"}, "The text holds a byte of nothing"),
        ({"query": 5}, "Expected"),
    ],
)
async def test_what_is_not_taken_is_one_sentence(client: httpx.AsyncClient, body: dict[str, Any], why: str) -> None:
    for path in ("/v1/route", "/hybrid/route"):
        answer = await client.post(path, json=body)
        assert answer.status_code == 422, answer.text
        assert why.lower() in answer.json()["detail"].lower()
    assert (await client.get("/v1/routes")).json()["routes"] == []


async def test_everything_about_a_question_can_be_read_again(tmp_path: Path) -> None:
    with endpoint(completion("Far away.")) as there:
        async with running(app_with(tmp_path, far(there))) as client:
            client.headers["X-Aistack-Via"] = "cli"
            said = await ask(client, "What is NixOS?", prefer="remote")
            number = said["id"]
            assert (await client.get(f"/v1/routes/{number}")).json()["answer"] == "Far away."
            (sent,) = (await client.get(f"/v1/outbound?interaction={number}")).json()["sent"]
            assert (sent["provider"], sent["outcome"]) == ("far", "answered")
            assert "What is NixOS?" in sent["body"]
            judged = (await client.post("/v1/feedback", json={"interaction_id": number, "verdict": "bad"})).json()
            assert (judged["verdict"], judged["judged_by"].startswith("operator:")) == ("bad", True)
            both = (await client.post(f"/v1/routes/{number}/replay")).json()
            assert (both["local"]["route"], both["remote"]["answer"], both["why"]) == ("local", "Far away.", "")
            counted = (await client.get("/v1/routing/stats")).json()
            assert (counted["total"], counted["by_route"], counted["bad"]) == (1, {"remote": 1}, 1)
            assert (await client.get("/v1/routes/999")).status_code == 404
            assert (await client.post("/v1/routes/999/replay")).status_code == 404
            body = {"interaction_id": 999, "verdict": "good"}
            assert (await client.post("/v1/feedback", json=body)).status_code == 404


async def test_the_lock_is_audited_and_holds(tmp_path: Path) -> None:
    with endpoint(completion("Far away.")) as there:
        async with running(app_with(tmp_path, far(there))) as client:
            client.headers["X-Aistack-Via"] = "cli"
            closed = (await client.post("/v1/routing/lock", json={"locked": True})).json()
            assert (closed["locked"], closed["by"].startswith("operator:")) == (True, True)
            assert (await ask(client, "What is NixOS?", prefer="remote"))["route"] == "local"
            standing = (await client.get("/v1/routing")).json()
            assert standing["lock"]["locked"]
            assert [(one["route"], one["ready"]) for one in standing["chain"]] == [
                ("cache", True), ("local", True), ("remote", False),
            ]  # fmt: skip
            records = (await client.get("/v1/audit?text=routing.lock")).json()["records"]
            assert [(one["kind"], one["object"], one["via"]) for one in records] == [("routing.lock", "closed", "cli")]
            assert (await client.post("/v1/routing/lock", json={"locked": "no"})).status_code == 422
    assert there.asked == []


async def test_too_many_questions_are_429(tmp_path: Path) -> None:
    async with running(app_with(tmp_path, AISTACK_ROUTING_PER_MINUTE="1")) as client:
        await ask(client, "What is NixOS?")
        for path, status in (("/v1/route", 429), ("/hybrid/route", 200), ("/hybrid/route", 429)):
            answer = await client.post(path, json={"query": "What is NixOS?"})
            assert (answer.status_code, path) == (status, path), answer.text


async def test_a_configuration_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    async with running(app_with(tmp_path, AISTACK_ROUTING_BUDGET_DAY="much")) as client:
        answer = await client.post("/v1/route", json={"query": "What is NixOS?"})
        assert answer.status_code == 503
        assert "routing.budget_day = 'much' is no list of amounts." in answer.json()["detail"]


async def test_a_locked_way_out_keeps_a_check_here_too(tmp_path: Path) -> None:
    with endpoint({"data": [{"id": "big"}]}) as there:
        async with running(app_with(tmp_path, far(there))) as client:
            client.headers["X-Aistack-Via"] = "cli"
            await client.post("/v1/routing/lock", json={"locked": True})
            answer = await client.post("/v1/providers/far/check")
            assert (answer.status_code, answer.json()["type"]) == (403, "local-only")
            assert there.asked == []
            await client.post("/v1/routing/lock", json={"locked": False})
            assert (await client.post("/v1/providers/far/check")).json()["ok"]
