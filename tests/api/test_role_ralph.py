"""Ralph's routes on the whole application: the note's own lines, waiting, reading, and no way to decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.api.roles.asked import Waiting
from aistack_backend.containers.memory_world import World

from .conftest import make_app, running, settings_in


@pytest.fixture
async def up(tmp_path: Path, world: World) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    world.add("lab", ["sleep", "1000"], running=False, labels={"io.aistack.managed": "true"})
    app = make_app(settings_in(tmp_path), world)
    async with running(app) as operator:
        yield app, operator


async def test_the_notes_own_line_reads_and_asks_nobody(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, client = up
    said = await client.post(
        "/ralph/execute", json={"task": "List available NixOS packages", "require_approval": False}
    )
    body = said.json()
    assert (said.status_code, body["state"]) == (200, "failed")
    assert body["reason"].startswith("No index of NixOS packages is here, so there is no list to give.")
    assert body["result"] == ""
    assert "Asking for no approval never lowers that." in body["note"]
    assert (await client.get("/v1/approvals")).json()["approvals"] == []


async def test_what_ends_is_200_with_its_result(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, client = up
    said = await client.post("/ralph/execute", json={"task": "start lab", "planner": "rules"})
    body = said.json()
    assert (said.status_code, body["state"]) == (200, "done"), body
    assert body["result"]
    assert said.headers["location"] == body["url"] == f"tasks/{body['task_id']}"
    result = await client.get(f"/ralph/tasks/{body['task_id']}/result")
    assert (result.status_code, result.json()["ended"], result.json()["result"]) == (200, True, body["result"])


async def test_what_waits_for_a_person_is_202_at_once_and_nobody_here_can_decide(
    up: tuple[FastAPI, httpx.AsyncClient],
) -> None:
    _, client = up
    said = await client.post("/ralph/execute", json={"task": "stop web", "planner": "rules", "require_approval": False})
    task = said.json()["task_id"]
    assert (said.status_code, said.json()["state"]) == (202, "awaiting approval")
    assert (await client.get(f"/ralph/tasks/{task}/result")).status_code == 202
    stats = (await client.get("/ralph/stats")).json()
    assert (stats["total"], stats["unfinished"], stats["waiting_for_a_person"]) == (1, 1, 1)
    stop = await client.post(f"/ralph/tasks/{task}/stop", json={})
    assert (stop.status_code, stop.json()["type"]) == (403, "refused")
    assert f"aistack-console stop {task}" in stop.json()["hint"]
    assert (await client.get(f"/ralph/tasks/{task}")).json()["state"] == "awaiting approval"
    assert (await client.post("/ralph/tasks/999/stop", json={})).status_code == 404
    assert (await client.post(f"/v1/tasks/{task}/stop", json={})).json()["state"] == "stopped"


async def test_who_asks_for_approval_gets_it_below_the_threshold_too(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, client = up
    said = await client.post("/ralph/execute", json={"task": "start lab", "planner": "rules", "require_approval": True})
    assert (said.status_code, said.json()["state"]) == (202, "awaiting approval")
    (asked,) = (await client.get("/v1/approvals")).json()["approvals"]
    assert asked["risk"] == "low"
    assert "the request asked for a person's approval" in asked["rule"]


async def test_a_crowd_is_not_kept_waiting(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    app, client = up
    task = (await client.post("/v1/tasks/goal", json={"text": "stop web", "planner": "rules"})).json()["id"]
    crowd = Waiting(lambda: app.state.parts, within=30.0, most=0)
    assert (await asyncio.wait_for(crowd.ended(task), 60)).state == "awaiting approval"
