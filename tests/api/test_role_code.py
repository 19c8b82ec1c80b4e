"""Code Machine's routes on the whole application: the note's own lines, waiting, reading, and no way to decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.containers.memory_world import World

from .conftest import make_app, running, settings_in

RESTART = """\
inputs: {name: {}}
steps:
  look: {read: logs, with: {container: "${inputs.name}"}}
  stop: {action: container.stop, target: "${inputs.name}", needs: look}
outputs: {log: "${steps.look.text}"}
"""


@pytest.fixture
async def up(tmp_path: Path, world: World) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    app = make_app(settings_in(tmp_path, AISTACK_CONFIG=str(tmp_path / "config.toml")), world)
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "stop_it.yml").write_text(RESTART)
    async with running(app) as operator:
        yield app, operator


async def test_the_notes_own_line_asks_the_loaded_model(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, client = up
    said = await client.post("/code/workflow", json={"workflow": "simple_query", "engines": ["qwen-coder"]})
    body = said.json()
    assert (said.status_code, body["state"]) == (200, "done"), body
    assert body["outputs"] == [{"name": "answer", "value": body["result"]}]
    assert body["result"].startswith("You said: In one sentence")
    assert said.headers["location"] == body["url"] == f"runs/{body['run_id']}"
    result = await client.get(f"/code/{body['url']}/result")
    assert (result.status_code, result.json()["result"]) == (200, body["result"])


async def test_unknown_names_are_422_and_404_and_name_what_is_known(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, client = up
    said = await client.post("/code/workflow", json={"workflow": "simple_query", "engines": ["gpt"]})
    assert said.status_code == 422
    assert said.json()["detail"] == "There is no engine 'gpt'."
    assert said.json()["hint"] == "Known engines: qwen-coder."
    said = await client.post("/code/workflow", json={"workflow": "simple_qery"})
    assert (said.status_code, "did you mean simple_query?" in said.json()["hint"]) == (404, True)
    said = await client.post("/code/workflow", json={"workflow": "simple_query", "inputs": {"qestion": "x"}})
    assert (said.status_code, "did you mean question?" in said.json()["hint"]) == (422, True)
    for body in ({}, {"workflow": 3}, [], {"workflow": "simple_query", "engines": "qwen-coder"}):
        assert (await client.post("/code/workflow", json=body)).status_code == 422
    assert (await client.get("/v1/runs")).json()["runs"] == []


async def test_what_waits_for_a_person_is_202_at_once_and_nobody_here_can_decide(
    up: tuple[FastAPI, httpx.AsyncClient],
) -> None:
    _, client = up
    said = await client.post("/code/workflow", json={"workflow": "stop_it", "inputs": {"name": "web"}})
    body = said.json()
    assert (said.status_code, body["state"], body["waits_for"]) == (202, "running", ["stop"])
    (asked,) = (await client.get("/v1/approvals")).json()["approvals"]
    assert (asked["state"], asked["requester"], asked["via"]) == ("pending", "workflow:stop_it", "role")
    run = (await client.get(f"/code/{body['url']}")).json()
    assert [(one["id"], one["state"]) for one in run["steps"]] == [("look", "done"), ("stop", "needs you")]
    assert run["steps"][1]["approval_id"] == asked["id"]
    stop = await client.post(f"/code/{body['url']}/stop", json={})
    assert (stop.status_code, stop.json()["type"]) == (403, "refused")
    assert f"aistack-console workflow stop {body['run_id']}" in stop.json()["hint"]
    assert (await client.get(f"/code/{body['url']}/result")).status_code == 202
    assert (await client.post("/code/runs/999/stop", json={})).status_code == 404


async def test_a_role_reads_no_log_of_a_container_that_is_not_the_stacks(
    up: tuple[FastAPI, httpx.AsyncClient],
) -> None:
    _, client = up
    said = (await client.post("/code/workflow", json={"workflow": "stop_it", "inputs": {"name": "db"}})).json()
    assert said["state"] == "failed"
    assert "db is not one of this stack's own containers: a role may not read its log." in said["reason"]
    assert (await client.get("/v1/approvals")).json()["approvals"] == []


async def test_health_lists_what_it_says_and_a_broken_file_breaks_no_other(
    up: tuple[FastAPI, httpx.AsyncClient], tmp_path: Path
) -> None:
    _, client = up
    (tmp_path / "workflows" / "bad.yml").write_text("steps: {a: {raed: host}}\n")
    said = (await client.get("/code/health")).json()
    assert said["status"] == "ok"
    assert "workflows can be run. qwen-coder: in-memory is loaded." in said["checks"][0]["detail"]
    found = {one["name"]: one for one in (await client.get("/code/workflows")).json()["workflows"]}
    assert "bad.yml:1: steps.a.raed is not a known key; did you mean read?" in found["bad"]["fault"]
    assert found["stop_it"]["fault"] == ""
    assert (await client.post("/code/workflow", json={"workflow": "bad"})).status_code == 422
    assert 'route="/workflow",status="422"' in (await client.get("/code/metrics")).text
