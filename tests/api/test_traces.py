"""Traces over the whole application: one a task, from the request to the tool, also when it ran after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.errors import BadInput

from .conftest import make_app, running, settings_in, small_world
from .test_routes import ended

HEAD = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "X-Aistack-Via": "tui"}
GOAL = {"text": "restart web", "planner": "rules"}


async def approved(client: httpx.AsyncClient, head: dict[str, str] | None = None) -> None:
    (asked,) = (await client.get("/v1/approvals")).json()["approvals"][:1]
    answer = {"verdict": "approve", "action_hash": asked["action_hash"]}
    assert (await client.post(f"/v1/approvals/{asked['id']}/decision", json=answer, headers=head)).status_code == 200


async def whole(client: httpx.AsyncClient, wanted: str) -> list[dict[str, Any]]:
    """The spans of a trace once its engine's run has ended: that span ends after the task has its last state."""
    async with asyncio.timeout(60):
        while True:
            spans: list[dict[str, Any]] = (await client.get(f"/v1/traces/{wanted}")).json()["spans"]
            if {"engine.run"} <= {one["name"] for one in spans if one["seconds"] is not None}:
                return spans


async def test_a_task_is_one_trace_from_its_request_to_its_tool(client: httpx.AsyncClient, app: FastAPI) -> None:
    task = (await client.post("/v1/tasks/goal", json=GOAL, headers=HEAD)).json()
    await approved(client)
    assert (await ended(client, app.state.parts, task["id"]))["state"] == "done"
    spans = {one["name"]: one for one in await whole(client, str(task["id"]))}
    assert spans.keys() == {
        "POST /v1/tasks/goal", "task.submit", "task.plan", "approval.wait", "engine.run", "tool container.restart",
    }  # fmt: skip
    request = spans["POST /v1/tasks/goal"]
    assert (request["parent_id"], request["attributes"]) == ("b" * 16, {"via": "tui", "status": "200"})
    assert spans["engine.run"]["attributes"]["effect"] == "done"
    assert spans["tool container.restart"]["parent_id"] == spans["engine.run"]["id"]
    assert spans["approval.wait"]["attributes"]["state"] == "approved"
    rows = (await client.get("/v1/traces")).json()
    assert rows["kept"] is True
    assert {one["id"]: one["task_id"] for one in rows["traces"]}["a" * 32] == task["id"]


async def test_what_was_asked_is_in_no_span_and_what_only_reads_makes_none(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await client.get("/v1/tasks")
    assert (await client.get("/v1/traces")).json()["traces"] == []
    said = "tell me of aubergines"
    answer = await client.post("/v1/chat", json={"text": said})
    assert answer.status_code == 200
    await client.post("/v1/tasks/goal", json={"text": f"restart {said}", "planner": "rules"})
    await client.post("/v1/aubergines", json={})
    traces = (await client.get("/v1/traces")).json()["traces"]
    shown = [(await client.get(f"/v1/traces/{one['id']}")).text for one in traces]
    assert len(shown) == 3
    assert "aubergines" not in "".join(shown)
    assert "model.answer" in shown[-1]
    assert {one["name"] for one in traces} == {"POST /v1/chat", "POST /v1/tasks/goal", "POST"}


async def test_a_trace_goes_on_after_a_restart(tmp_path: Path) -> None:
    settings, world = settings_in(tmp_path), small_world()
    async with running(make_app(settings, world)) as client:
        task = (await client.post("/v1/tasks/goal", json=GOAL, headers=HEAD)).json()
    app = make_app(settings, world)
    async with running(app) as client:
        await approved(client)
        await ended(client, app.state.parts, task["id"])
        names = [one["name"] for one in await whole(client, "a" * 32)]
        assert names[0] == "POST /v1/tasks/goal"
        assert names[-2:] == ["engine.run", "tool container.restart"]


def told(**more: Any) -> dict[str, Any]:
    """A span that a console measured of the request with ``HEAD``."""
    return {"trace_id": "a" * 32, "id": "b" * 16, "name": "run", "start": time.time() - 1, "seconds": 0.5, **more}


async def test_a_consoles_own_span_is_the_root_and_is_recorded_once(client: httpx.AsyncClient) -> None:
    await client.post("/v1/tasks/goal", json=GOAL, headers=HEAD)
    report = {"spans": [told(failed=True, detail="BackendDown"), told()], "lost": 2}
    for taken in (1, 0):
        answer = await client.post("/v1/spans", json=report, headers={"X-Aistack-Via": "tui"})
        assert (answer.status_code, answer.json()) == (200, {"taken": taken})
    spans = (await client.get("/v1/traces/1")).json()["spans"]
    (root,) = [one for one in spans if not one["parent_id"]]
    assert (root["id"], root["name"], root["service"]) == ("b" * 16, "console run", "console")
    assert (root["attributes"], root["failed"], root["detail"]) == ({"via": "tui"}, True, "BackendDown")
    rows = (await client.get("/v1/traces")).json()
    assert rows["console_lost"] == 4
    assert [one["id"] for one in rows["traces"]] == ["a" * 32], "telling of a trace is in none itself"


@pytest.mark.parametrize(
    "wrong",
    [
        {"trace_id": "0" * 32},
        {"trace_id": "A" * 32},
        {"id": "b" * 17},
        {"id": ""},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "a\x1b[31m"},
        {"name": "run secret=1"},
        {"detail": "it said: <b>"},
        {"seconds": -1.0},
        {"seconds": 1e9},
        {"start": 0.0},
        {"start": -1e308},
        {"start": 1e308},
        {"start": 9e9},
        {"start": "now"},
        {"seconds": True},
    ],
)
async def test_what_no_console_can_have_measured_is_refused_whole(
    client: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    report = {"spans": [told(), told(id="c" * 16, **wrong) if "id" not in wrong else told(**wrong)], "lost": 1}
    answer = await client.post("/v1/spans", json=report)
    assert answer.status_code == 422, answer.text
    rows = (await client.get("/v1/traces")).json()
    assert (rows["traces"], rows["console_lost"]) == ([], 0)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_number_that_is_none_is_refused(client: httpx.AsyncClient, number: str) -> None:
    body = json.dumps({"spans": [told(seconds=77)]}).replace("77", number)
    answer = await client.post("/v1/spans", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


async def test_a_report_is_bounded(client: httpx.AsyncClient) -> None:
    many = {"spans": [told(id=f"{number:016x}") for number in range(1, 66)]}
    for report in (many, {"lost": -1}, {"lost": 10**7}):
        assert (await client.post("/v1/spans", json=report)).status_code == 422


async def test_a_decision_is_linked_with_the_wait_both_ways(client: httpx.AsyncClient, app: FastAPI) -> None:
    task = (await client.post("/v1/tasks/goal", json=GOAL, headers=HEAD)).json()
    head = {"traceparent": f"00-{'d' * 32}-{'e' * 16}-01", "X-Aistack-Via": "cli"}
    await approved(client, head)
    report = {"spans": [told(trace_id="d" * 32, id="e" * 16, name="approve")]}
    await client.post("/v1/spans", json=report, headers=head)
    await ended(client, app.state.parts, task["id"])
    spans = {one["name"]: one for one in await whole(client, str(task["id"]))}
    wait = spans["approval.wait"]
    assert wait["attributes"]["by"] == "operator:tester"
    (to,) = wait["links"]
    found = (await client.get(f"/v1/traces/{'a' * 32}")).json()
    ends = [(one["trace_id"], one["span"]["name"]) for one in found["linked"]]
    decision = "POST /v1/approvals/{id}/decision"
    assert sorted(ends) == [("d" * 32, decision), ("d" * 32, "console approve")]
    assert to in [{"trace_id": one["trace_id"], "span_id": one["span"]["id"]} for one in found["linked"]]
    there = (await client.get(f"/v1/traces/{'d' * 32}")).json()
    assert [one["name"] for one in there["spans"]] == ["console approve", decision]
    assert {one["span"]["name"] for one in there["linked"]} == {"approval.wait", "task.submit"}
    (back,) = there["spans"][1]["links"]
    assert back == {"trace_id": "a" * 32, "span_id": wait["id"]}


@pytest.mark.parametrize("wanted", ["x", "12", "f" * 32, "%2e%2e"])
async def test_what_is_not_kept_is_a_problem(client: httpx.AsyncClient, wanted: str) -> None:
    answer = await client.get(f"/v1/traces/{wanted}")
    assert (answer.status_code, answer.json()["type"]) == (404, "not-found")


async def test_switched_off_nothing_is_recorded(tmp_path: Path) -> None:
    app = make_app(settings_in(tmp_path, AISTACK_TRACES_KEEP="false"), small_world())
    async with running(app) as client:
        await client.post("/v1/tasks/goal", json=GOAL, headers=HEAD)
        found = (await client.get("/v1/traces")).json()
        assert (found["kept"], found["traces"], found["sending"]) == (False, [], None)
        assert (await client.get("/v1/traces/1")).status_code == 404


def test_an_address_that_may_not_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"traces\.otlp goes to far\.example without TLS"):
        make_app(settings_in(tmp_path, AISTACK_TRACES_OTLP="http://far.example"), small_world())
