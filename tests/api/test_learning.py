"""Learning over the whole application: judged, learned, used by the coordinator, rolled back; each change recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.api.parts import Parts
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.store.telemetry_tables import telemetry as table
from aistack_backend.wire.events import Topic
from aistack_backend.wire.learning import LearningStatus

from .conftest import make_app, running, settings_in, small_world

QUESTION = "Which port does Qdrant use?"
ASKED = Interaction(
    source="coordinator", query=QUESTION, answer="It is 6333.", route="local", latency=1.5, ok=True, consent=True
)
MISSING = 99_999


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return make_app(settings_in(tmp_path, AISTACK_MODEL_ENABLED="false"), small_world())


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        client.headers["X-Aistack-Via"] = "cli"
        await up(app)
        yield client


async def up(app: FastAPI) -> None:
    """Wait for learning and the coordinator."""
    parts: Parts = app.state.parts
    async with asyncio.timeout(60):
        async for _ in parts.bus.read():
            if parts.learning.part is not None and parts.routing.part is not None:
                return


def ask(app: FastAPI, times: int) -> list[int]:
    """Write down that the question was asked so often."""
    learning = app.state.parts.learning.get()
    return [learning.telemetry.record(ASKED) for _ in range(times)]


async def learn(app: FastAPI, client: httpx.AsyncClient) -> dict[str, Any]:
    """Have the question asked, judged and learned; return the pattern."""
    for number in await asyncio.to_thread(ask, app, 9):
        said = await client.post(f"/v1/learning/interactions/{number}/judgement", json={"judgement": "good"})
        assert said.json()["judgement"] == "good", said.text
    run = (await client.post("/v1/learning/run")).json()
    assert (run["ok"], run["read"], run["made"], run["activated"]) == (True, 9, 1, 1), run
    found: dict[str, Any] = (await client.get("/v1/learning/patterns?state=active")).json()["patterns"][0]
    return found


async def test_a_learned_answer_is_what_the_coordinator_gives_until_it_is_rolled_back(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    before = (await client.post("/v1/route", json={"query": QUESTION})).json()
    assert before["route"] == "none", before
    pattern = await learn(app, client)
    learned = (await client.post("/v1/route", json={"query": "which port does QDRANT use"})).json()
    assert (learned["route"], learned["answer"], learned["patterns"]) == ("cache", "It is 6333.", [pattern["id"]])
    detail = (await client.get(f"/v1/learning/patterns/{pattern['id']}")).json()
    assert detail["pattern"]["uses"] == 1
    assert detail["trials"][0]["passed"] is True
    gone = await client.post(f"/v1/learning/patterns/{pattern['id']}/rollback", json={"reason": "the port moved"})
    assert gone.json()["state"] == "rolled back"
    after = (await client.post("/v1/route", json={"query": QUESTION})).json()
    assert after["route"] == "none", after


async def test_a_bad_judgement_of_a_learned_answer_changes_the_next_answer(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await learn(app, client)
    answer = (await client.post("/v1/route", json={"query": QUESTION})).json()
    await client.post(f"/v1/learning/interactions/{answer['id']}/judgement", json={"judgement": "bad"})
    assert (await client.post("/v1/route", json={"query": QUESTION})).json()["route"] == "none"
    (found,) = (await client.get("/v1/learning/patterns")).json()["patterns"]
    assert found["state"] == "quarantined"


async def test_samples_are_reviewed_and_exported_and_all_of_it_is_recorded(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    pattern = await learn(app, client)
    (sample,) = (await client.get("/v1/learning/samples")).json()["samples"]
    where = f"/v1/learning/samples/{sample['id']}"
    assert (await client.post(f"{where}/drop")).json()["state"] == "dropped"
    assert (await client.post(f"{where}/accept")).json()["state"] == "accepted"
    edited = await client.post(f"{where}/edit", json={"question": QUESTION, "answer": "6333, ask a@example.com"})
    assert (edited.json()["answer"], edited.json()["state"]) == ("6333, ask [email]", "accepted")
    done = (await client.post("/v1/learning/export", json={"path": str(tmp_path / "set.jsonl")})).json()
    assert (done["count"], done["threshold"]) == (1, 1000)
    await client.post(f"/v1/learning/patterns/{pattern['id']}/rollback", json={})
    await client.post(f"/v1/learning/patterns/{pattern['id']}/retry")
    assert (await client.post("/v1/learning/pause")).json()["paused"] is True
    assert (await client.post("/v1/learning/resume")).json()["paused"] is False
    records = (await client.get("/v1/audit?limit=100&text=learning.")).json()["records"]
    told = [one["kind"].removeprefix("learning.") for one in records][::-1]
    assert told[:9] == ["judge"] * 9
    assert told[9:] == ["run", "drop", "accept", "edit", "export", "rollback", "retry", "pause", "resume"]


async def test_the_status_and_its_event(app: FastAPI, client: httpx.AsyncClient) -> None:
    parts: Parts = app.state.parts
    await learn(app, client)
    async with asyncio.timeout(60):
        async for event in parts.bus.read():
            if event.topic is Topic.LEARNING and event.data.patterns:
                break
    found = (await client.get("/v1/learning")).json()
    assert (found["enabled"], found["threshold"], found["interval"]) == (True, 1000, 3600)
    assert found["judged"] == 9
    assert [one["by"] for one in found["runs"]][-1] == "timer"
    value = (await client.get("/v1/learning/interactions/1")).json()["parts"]
    assert (value["outcome"], value["feedback"], value["reusability"]) == (1.0, 1.0, 1.0)


async def test_a_judgement_is_told_whoever_wrote_it(app: FastAPI, client: httpx.AsyncClient) -> None:
    (number,) = await asyncio.to_thread(ask, app, 1)
    await told(app, lambda one: one.interactions == 1 and one.judged == 0)
    await client.post("/v1/feedback", json={"interaction_id": number, "verdict": "bad"})
    await told(app, lambda one: one.judged == 1 and one.weeks[0].bad == 1)
    telemetry = app.state.parts.learning.get().telemetry
    before = telemetry.mark()
    telemetry.judge(number, Verdict.GOOD, "another process")
    judged = telemetry.mark()
    telemetry.blank(table.c.id == number)
    assert len({before, judged, telemetry.mark()}) == 3


async def told(app: FastAPI, seen: Callable[[LearningStatus], bool]) -> None:
    """Wait until the consoles are told of it."""
    async with asyncio.timeout(60):
        async for event in app.state.parts.bus.read():
            if event.topic is Topic.LEARNING and seen(event.data):
                return


async def test_a_task_that_ended_is_written_down(app: FastAPI, client: httpx.AsyncClient) -> None:
    task = (await client.post("/v1/tasks/goal", json={"text": "restart web", "planner": "rules"})).json()
    parts: Parts = app.state.parts
    (approval,) = (await client.get("/v1/approvals")).json()["approvals"]
    yes = {"verdict": "approve", "action_hash": approval["action_hash"], "code": approval["code"]}
    assert (await client.post(f"/v1/approvals/{approval['id']}/decision", json=yes)).status_code == 200
    learning = parts.learning.get()
    async with asyncio.timeout(60):
        async for _ in parts.bus.read():
            if await asyncio.to_thread(learning.telemetry.find):
                break
    one = await asyncio.to_thread(learning.telemetry.get, 1)
    held = one.interaction
    assert (held.source, held.event, held.subject, held.query) == ("task", "ended", f"task:{task['id']}", "restart web")
    assert (held.ok, held.task_class, one.verdict) == (True, "container.restart", None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("get", "/v1/learning/patterns?state=up", None, 422, "'up' is no state of a pattern."),
        ("get", "/v1/learning/samples?state=up", None, 422, "'up' is no state of a sample."),
        ("get", f"/v1/learning/patterns/{MISSING}", None, 404, f"There is no pattern {MISSING}."),
        ("get", f"/v1/learning/interactions/{MISSING}", None, 404, f"There is no interaction {MISSING}."),
        ("post", f"/v1/learning/patterns/{MISSING}/rollback", {}, 404, f"There is no pattern {MISSING}."),
        ("post", f"/v1/learning/patterns/{MISSING}/retry", None, 404, f"There is no pattern {MISSING}."),
        ("post", f"/v1/learning/samples/{MISSING}/accept", None, 404, f"There is no sample {MISSING}."),
        ("post", f"/v1/learning/samples/{MISSING}/edit", {"question": "", "answer": "x"}, 422, "A sample's question"),
        ("post", "/v1/learning/interactions/1/judgement", {"judgement": "nice"}, 422, "good, bad or corrected"),
        ("post", "/v1/learning/interactions/1/judgement", {"judgement": "corrected"}, 422, "A correction says what"),
        ("post", "/v1/learning/export", {"path": "x"}, 422, "'x' is no absolute path."),
    ],
)
async def test_bad_input_is_one_sentence(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, status: int, said: str
) -> None:
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


async def test_switched_off_nothing_is_learned(tmp_path: Path) -> None:
    off = settings_in(tmp_path, AISTACK_MODEL_ENABLED="false", CONTINUOUS_LEARNING_ENABLED="false")
    app = make_app(off, small_world())
    async with running(app) as client:
        await up(app)
        refused = await client.post("/v1/learning/run", headers={"X-Aistack-Via": "cli"})
        assert (refused.status_code, refused.json()["detail"]) == (
            409,
            "Learning is switched off (learning.enabled = false).",
        )
        found = (await client.get("/v1/learning")).json()
        assert (found["enabled"], found["next_run"], found["runs"]) == (False, None, [])
