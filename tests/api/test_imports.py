"""An import over the whole application: shown, confirmed with its code, run by the engine, found and recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.bed.gits import Origin

from .conftest import make_app, running, settings_in, small_world

ENDED = ("done", "failed", "stopped", "denied")


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return make_app(settings_in(tmp_path), small_world())


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        client.headers["X-Aistack-Via"] = "cli"
        yield client


async def ended(app: FastAPI, client: httpx.AsyncClient, number: int) -> dict[str, str]:
    """Wait for a task's end, by what the bus says."""
    async with asyncio.timeout(60):
        async for _ in app.state.parts.bus.read():
            task: dict[str, str] = (await client.get(f"/v1/tasks/{number}")).json()
            if task["state"] in ENDED:
                return task
    raise AssertionError("The bus ended.")


async def test_a_repository_is_read_after_a_persons_yes(
    client: httpx.AsyncClient, app: FastAPI, tmp_path: Path
) -> None:
    origin = Origin(tmp_path / "origin")
    origin.write(README_md="# Ports\n\nRedis listens on 6379.", logo_bin=b"\0")
    commit = origin.commit()
    script = json.dumps({"url": str(origin.folder), "collection": "docs", "kind": "git"})
    wish = {"kind": "knowledge.import", "script": script}
    asked = (await client.post("/v1/tasks/action", json=wish)).json()
    assert asked["state"] == "awaiting approval"  # nobody confirmed it: nothing is read
    assert (await client.get("/v1/collections")).json()["collections"] == []
    shown = (await client.post("/v1/actions/preview", json=wish)).json()
    assert (shown["risk"], shown["title"]) == ("high", "read origin into the collection docs")
    assert '"collection": "docs"' in shown["script"]
    confirmed = {**wish, "confirmed_hash": shown["action_hash"], "code": shown["code"]}
    task = (await client.post("/v1/tasks/action", json=confirmed)).json()
    done = await ended(app, client, int(task["id"]))
    assert (done["state"], done["result"].splitlines()[0]) == (
        "done",
        "1 added, 0 replaced, 0 unchanged, 1 not read; 1 piece.",
    )
    found = (await client.post("/v1/search", json={"question": "6379"})).json()
    assert [hit["source"] for hit in found["hits"]] == [f"{origin.folder}@{commit}:README.md"]
    records = (await client.get("/v1/audit?limit=50")).json()["records"]
    assert "knowledge.import" in {one["kind"] for one in records}


async def test_a_private_address_is_not_even_asked_about(client: httpx.AsyncClient) -> None:
    script = json.dumps({"url": "http://127.0.0.1:1/x", "collection": "docs"})
    answer = await client.post("/v1/tasks/action", json={"kind": "knowledge.import", "script": script})
    assert (answer.status_code, "not an address of the public network" in answer.text) == (422, True)
