"""The role hybrid-coordinator at the backend's own doors: it takes questions and judgements, and opens no lock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from .conftest import make_app, running, settings_in, small_world


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(make_app(settings_in(tmp_path), small_world())) as found:
        yield found


async def test_the_form_of_the_old_coordinator(client: httpx.AsyncClient) -> None:
    said = (await client.post("/hybrid/route", json={"query": "What is NixOS?", "context": {}})).json()
    judged = await client.post("/hybrid/feedback", json={"interaction_id": said["id"], "user_feedback": 1})
    assert (judged.json()["verdict"], judged.json()["judged_by"][:24]) == ("good", "role:hybrid-coordinator ")
    asked = {"session_id": "one", "query": "And podman?", "context_level": "detailed"}
    context = (await client.post("/hybrid/context/multi_turn", json=asked)).json()
    assert (context["session_id"], context["turn_number"], context["context_ids"]) == ("one", 1, [])
    stats = (await client.get("/hybrid/stats")).json()
    assert (stats["total"], stats["by_route"], stats["good"]) == (1, {"local": 1}, 1)
    numbers = (await client.get("/hybrid/metrics")).text
    assert 'aistack_route_requests_total{route="local",status="answered"} 1.0' in numbers
    assert 'aistack_role_requests_total{role="hybrid-coordinator",route="/route",status="200"} 1.0' in numbers


async def test_a_session_of_the_role_is_none_of_the_operators(client: httpx.AsyncClient) -> None:
    body = {"query": "What is NixOS?", "session": "one"}
    assert (await client.post("/v1/route", json=body)).json()["session"] == "one"
    assert (await client.post("/hybrid/route", json=body)).json()["session"] == "hybrid:one"


@pytest.mark.parametrize(
    ("path", "body", "status", "why"),
    [
        ("/feedback", {"interaction_id": 99, "outcome": "success"}, 404, "There is no interaction 99."),
        ("/feedback", {"interaction_id": 1}, 422, "Nothing was judged."),
        ("/feedback", {"outcome": "success"}, 422, "interaction_id"),
        ("/context/multi_turn", {"query": "a", "context_level": "x"}, 422, "is no context level"),
        ("/context/multi_turn", [], 422, "no JSON object"),
    ],
)
async def test_what_cannot_be_is_one_sentence(
    client: httpx.AsyncClient, path: str, body: object, status: int, why: str
) -> None:
    answer = await client.post(f"/hybrid{path}", json=body)
    assert answer.status_code == status, answer.text
    assert why in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/routing/lock", "/v1/routing/lock", "/lock", "/outbound", "/v1/outbound"])
async def test_the_role_opens_no_lock_and_shows_not_what_left(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(f"/hybrid{path}", json={"locked": False})).status_code == 404
    assert (await client.get(f"/hybrid{path}")).status_code == 404
