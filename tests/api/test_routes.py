"""Each route once, over the whole backend on in-memory adapters."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from aistack_backend.api.parts import Parts
from aistack_backend.containers.memory_world import World


async def ended(client: httpx.AsyncClient, parts: Parts, task: int) -> dict[str, Any]:
    """Follow one task to its end."""
    async with asyncio.timeout(60):
        async for _ in parts.bus.read():
            found: dict[str, Any] = (await client.get(f"/v1/tasks/{task}")).json()
            if found["state"] in ("done", "failed", "stopped", "denied"):
                return found
    raise AssertionError


async def test_the_status_names_every_source(client: httpx.AsyncClient) -> None:
    status = (await client.get("/v1/status")).json()
    states = {source["name"]: source["state"] for source in status["sources"]}
    assert states.keys() == {"podman", "host", "gpu", "model", "engine", "recorder"}
    assert states["engine"] == "ok"
    assert (status["operator"], status["threshold"], status["banner"]) == ("tester", "medium", "")


async def test_containers_are_listed_shown_and_followed(client: httpx.AsyncClient, world: World) -> None:
    fleet = (await client.get("/v1/containers")).json()
    assert [box["name"] for box in fleet["containers"]] == ["db", "web"]
    detail = (await client.get("/v1/containers/web")).json()
    assert detail["container"]["state"] == "running"
    lines = (await client.get("/v1/containers/web/logs?tail=10")).text.splitlines()
    assert any('"text":"hello"' in line for line in lines)
    missing = await client.get("/v1/containers/wob/logs")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert "web" in missing.json()["hint"]


async def test_a_goal_becomes_an_approval_becomes_an_effect(client: httpx.AsyncClient, app: FastAPI) -> None:
    task = (await client.post("/v1/tasks/goal", json={"text": "restart web", "planner": "rules"})).json()
    assert task["state"] == "awaiting approval"
    pending = (await client.get("/v1/approvals")).json()["approvals"][0]
    assert (await client.get(f"/v1/approvals/{pending['id']}")).json()["action_hash"] == pending["action_hash"]
    assert (await client.get("/v1/status")).json()["pending_approvals"] == 1
    answer = {"verdict": "approve", "action_hash": pending["action_hash"]}
    decided = (await client.post(f"/v1/approvals/{pending['id']}/decision", json=answer)).json()
    assert (decided["state"], decided["decided_by"], decided["decided_via"]) == ("approved", "operator:tester", "api")
    assert (await ended(client, app.state.parts, task["id"]))["state"] == "done"
    late = await client.post(
        f"/v1/approvals/{pending['id']}/decision", json={**answer, "verdict": "deny", "reason": "no"}
    )
    assert (late.status_code, late.json()["winner"], late.json()["decision"]) == (409, "operator:tester", "approve")
    phases = [record["phase"] for record in (await client.get("/v1/audit")).json()["records"]]
    assert {"request", "decision", "intent", "outcome", "note"} <= set(phases)
    assert (await client.post("/v1/audit/verify", json={})).json()["ok"]


async def test_a_person_confirms_what_the_preview_showed(client: httpx.AsyncClient, app: FastAPI) -> None:
    wish = {"kind": "container.start", "target": "db"}
    shown = (await client.post("/v1/actions/preview", json=wish)).json()
    assert shown["id"] == 0
    other = await client.post("/v1/tasks/action", json={**wish, "confirmed_hash": "0" * 64})
    assert other.status_code == 409
    confirmed = {**wish, "confirmed_hash": shown["action_hash"], "code": shown["code"]}
    task = (await client.post("/v1/tasks/action", json=confirmed)).json()
    assert (await ended(client, app.state.parts, task["id"]))["state"] == "done"
    assert (await client.get("/v1/tasks")).json()["tasks"][0]["id"] == task["id"]


async def test_a_waiting_task_is_stopped_once(client: httpx.AsyncClient) -> None:
    task = (await client.post("/v1/tasks/goal", json={"text": "restart web", "planner": "rules"})).json()
    stopped = (await client.post(f"/v1/tasks/{task['id']}/stop", json={})).json()
    assert stopped["state"] == "stopped"
    assert (await client.post(f"/v1/tasks/{task['id']}/stop", json={})).status_code == 409


async def test_the_machine_is_measured_recorded_and_examined(client: httpx.AsyncClient, app: FastAPI) -> None:
    sample = (await client.get("/v1/host")).json()
    assert sample["memory_total"] > 0
    series = (await client.get("/v1/series/host.memory")).json()
    assert series["name"] == "host.memory"
    assert len(series["times"]) == len(series["values"])
    findings = {finding["name"]: finding for finding in (await client.get("/v1/doctor")).json()["findings"]}
    assert findings["podman"]["ok"]
    assert findings["socket"]["ok"] is False
    assert findings["socket"]["fix"]


async def test_chat_streams_and_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/chat", json={"text": "hello", "max_tokens": 16})
    chunks = answer.text.splitlines()
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert '"finish":"' in chunks[-1]
    sessions = (await client.get("/v1/chats")).json()["sessions"]
    assert len(sessions) == 1
    kept = (await client.get(f"/v1/chats/{sessions[0]['id']}")).json()
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant"]
    assert (await client.post(f"/v1/chats/{sessions[0]['id']}/cancel", json={})).status_code == 204
    assert (await client.delete(f"/v1/chats/{sessions[0]['id']}")).status_code == 204
    assert (await client.get("/v1/chats")).json()["sessions"] == []


async def test_models_are_listed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/models")).json()["engine"] in ("ready", "busy", "loading", "preparing")
    assert (await client.post("/v1/models/no-such-model/use", json={})).status_code == 404


async def test_podman_going_away_is_a_sentence(client: httpx.AsyncClient, world: World, app: FastAPI) -> None:
    world.go_down()
    answer = await client.post("/v1/actions/preview", json={"kind": "container.stop", "target": "web"})
    assert answer.status_code == 503
    assert answer.json()["detail"]
    async with asyncio.timeout(60):
        async for _ in app.state.parts.bus.read():
            if (await client.get("/v1/containers")).json()["source"]["state"] != "ok":
                return


async def test_a_request_to_stop_is_written_down(client: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await client.post("/v1/shutdown", json={})).status_code == 202
    assert app.state.parts.stopping.is_set()
    records = (await client.get("/v1/audit")).json()["records"]
    assert [one["actor"] for one in records if one["kind"] == "backend.stop"] == ["operator:tester"]


MISTAKES: tuple[tuple[str, str, dict[str, Any] | None, int], ...] = (
    ("GET", "/v1/nothing", None, 404),
    ("GET", "/v1/tasks/999", None, 404),
    ("GET", "/v1/tasks/x", None, 404),
    ("GET", f"/v1/approvals/{2**63}", None, 422),
    ("DELETE", "/v1/tasks", None, 405),
    ("POST", "/v1/tasks/goal", {"planner": "rules"}, 422),
    ("POST", "/v1/tasks/action", {"kind": "world.end"}, 422),
    ("POST", "/v1/actions/preview", {"kind": "container.stop", "target": "nobody"}, 404),
    ("POST", "/v1/chat", {"text": " "}, 422),
    ("POST", "/v1/chat", {"text": "hello", "session_id": 2**63}, 404),
    ("POST", "/v1/chat", {"text": "hello", "session_id": -1}, 404),
    ("GET", "/v1/audit?limit=0", None, 422),
)


async def test_a_mistake_is_a_problem_with_a_sentence(client: httpx.AsyncClient) -> None:
    for method, path, body, status in MISTAKES:
        answer = await client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert problem["detail"] or problem["hint"], path
