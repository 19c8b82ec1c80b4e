"""The role hybrid-coordinator at the backend's own doors and in its container: questions, judgements, and no lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import make_url, text
from tests.bed.endpoint import completion, endpoint
from tests.bed.postgres import emptied

from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.far_documents import FarDocuments
from aistack_backend.api.roles.own_hybrid import OwnCoordinator
from aistack_backend.api.roles.serve import site
from aistack_backend.errors import Unavailable
from aistack_backend.store.database import Database
from aistack_backend.wire.knowledge import Hit, SearchAnswer, SearchMode

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


def told(url: str, **more: str) -> dict[str, str]:
    """What its container's variables say, for a server on a Unix socket."""
    place = make_url(url)
    folder = str(place.query["host"])
    where = {"POSTGRES_HOST": folder, "POSTGRES_USER": "aistack", "POSTGRES_DB": "postgres", "HOME": "/nowhere"}
    return {**where, "CONTINUOUS_LEARNING_ENABLED": "false", **more}


@asynccontextmanager
async def container(env: dict[str, str]) -> AsyncIterator[tuple[OwnCoordinator, httpx.AsyncClient]]:
    role = named("hybrid-coordinator")
    own = OwnCoordinator(role, env)
    transport = httpx.ASGITransport(site(role, env, coordinator=own), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        try:
            yield own, client
        finally:
            await own.stop()


async def test_in_its_container_it_answers_at_once_and_says_what_it_waits_for() -> None:
    async with container({"HOME": "/nowhere"}) as (own, client):
        answer = await client.post("/route", json={"query": "What is NixOS?"})
        assert (answer.status_code, answer.json()["type"]) == (503, "unavailable")
        own.start()
        async with asyncio.timeout(60):
            await own.tried()
        said = (await client.get("/health")).json()
        assert (said["status"], [one["name"] for one in said["checks"]]) == (
            "unavailable", ["aidb", "postgres", "coordinator"],
        )  # fmt: skip
        answer = await client.post("/route", json={"query": "What is NixOS?"})
        assert "The coordinator is not there yet. The variable POSTGRES_HOST is not set" in answer.json()["detail"]
        assert (await client.get("/metrics")).status_code == 200


async def test_phase_two_and_three_of_the_note(postgres: str) -> None:
    url = emptied(postgres)
    with endpoint(completion("A Linux distribution.", read=12, written=4)) as llama:
        async with container(told(url, LLAMA_URL=llama.url)) as (own, client):
            own.start()
            async with asyncio.timeout(60):
                await own.settled()
            for _ in range(10):
                said = (await client.post("/route", json={"query": "What is NixOS?", "context": {}})).json()
                assert (said["route"], said["answer"], said["tokens_out"]) == ("local", "A Linux distribution.", 4)
    assert len(llama.asked) == 10
    with closing(Database(url)) as database, database.read() as connection:
        counted = "SELECT COUNT(*) FROM telemetry WHERE timestamp > NOW() - INTERVAL '1 hour'"
        assert connection.execute(text(counted)).scalar_one() == 10


async def test_without_the_stacks_model_it_says_so_and_writes_it_down(postgres: str) -> None:
    url = emptied(postgres)
    async with container(told(url, LLAMA_URL="http://127.0.0.1:9/v1")) as (own, client):
        own.start()
        async with asyncio.timeout(60):
            await own.settled()
        said = (await client.post("/route", json={"query": "What is NixOS?", "context": {}})).json()
        assert (said["route"], said["id"]) == ("none", 1)
        assert "127.0.0.1:9 does not answer" in said["answer"]
        assert (await client.get("/stats")).json()["by_route"] == {"none": 1}


async def test_in_its_container_documents_come_from_aidb(postgres: str) -> None:
    hit = Hit(
        chunk_id=4, document_id=1, collection="docs", title="Redis", source="note:redis", heading="", text="On 6379.",
        start=0, end=8, score=0.1, cosine=0.4,
    )  # fmt: skip
    found = msgspec.to_builtins(SearchAnswer(hits=(hit,), mode=SearchMode.BOTH, searched=1, took=0.01))
    env = told(emptied(postgres))
    with endpoint(completion("6379")) as llama, endpoint(found) as aidb:
        places = {"LLAMA_URL": llama.url, "AIDB_URL": aidb.url.removesuffix("/v1")}
        async with container({**env, **places}) as (own, client):
            own.start()
            async with asyncio.timeout(60):
                await own.settled()
            said = (await client.post("/route", json={"query": "Which port has redis?"})).json()
            assert [(one["source"], one["cosine"]) for one in said["sources"]] == [("note:redis", 0.4)]
            assert aidb.asked[0][0] == "/search"
            assert "On 6379." in llama.asked[0][2]["messages"][-1]["content"]
            asked = {"query": "redis", "previous_context_ids": []}
            assert (await client.post("/context/multi_turn", json=asked)).json()["context_ids"] == ["4"]


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"nothing": 1}, "answered something else"),
        (b"<html>", "answered something else"),
        (None, "does not answer"),
    ],
)
async def test_documents_that_aidb_does_not_give_are_told(says: object, why: str) -> None:
    with endpoint(says) as there:
        finds = FarDocuments("http://127.0.0.1:9" if says is None else there.url)
        with pytest.raises(Unavailable, match=why):
            await finds.find("x", 3)
        assert await FarDocuments("").find("x", 3) == ()
        await finds.close()
