"""Found in review: text that no database can hold must be refused at the door, and what changes leaves a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.conftest import make_app, running, settings_in, small_world

HEAD = {"content-type": "application/json"}
LONE = "\ud800"
BODIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/v1/approvals/1/decision", {"verdict": "approve", "action_hash": LONE}),
    ("/v1/approvals/1/decision", {"verdict": "deny", "action_hash": "x", "reason": LONE}),
    ("/v1/approvals/1/decision", {"verdict": "approve", "action_hash": "x", "code": LONE}),
    ("/v1/tasks/goal", {"text": LONE, "planner": "rules"}),
    ("/v1/tasks/goal", {"text": "restart web", "planner": LONE}),
    ("/v1/tasks/action", {"kind": LONE, "target": "web"}),
    ("/v1/tasks/action", {"kind": "container.stop", "target": LONE}),
    ("/v1/tasks/action", {"kind": "container.stop", "target": "web", "reason": LONE}),
    ("/v1/tasks/action", {"kind": "container.stop", "target": "web", "confirmed_hash": LONE}),
    ("/v1/tasks/action", {"kind": "shell.run", "script": f"echo {LONE}"}),
    ("/v1/actions/preview", {"kind": "shell.run", "script": f"echo {LONE}"}),
    ("/v1/chat", {"session_id": 0, "text": LONE}),
)


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """Send a body as its JSON text, lone surrogates as escapes."""
    return await client.post(path, content=json.dumps(body), headers=HEAD)


async def test_half_a_character_is_bad_input_everywhere(tmp_path: Path) -> None:
    async with running(make_app(settings_in(tmp_path), small_world())) as client:
        asked = await post(client, "/v1/tasks/action", {"kind": "container.stop", "target": "web"})
        assert asked.status_code == 200
        for path, body in BODIES:
            answer = await post(client, path, body)
            assert (answer.status_code, answer.json()["type"]) == (422, "bad-input"), (path, body)
        assert (await client.get("/v1/approvals/1")).json()["state"] == "pending"
        assert len((await client.get("/v1/tasks")).json()["tasks"]) == 1


async def test_no_depth_of_a_body_makes_the_backend_fail(tmp_path: Path) -> None:
    async with running(make_app(settings_in(tmp_path), small_world())) as client:
        for depth in (10, 64, *range(500, 1_100, 20), 100_000):
            body = '{"kind":"container.stop","target":"web","more":' + "[" * depth + "]" * depth + "}"
            answer = await client.post("/v1/actions/preview", content=body, headers=HEAD)
            assert answer.status_code in (200, 400, 422), (depth, answer.text)


@pytest.mark.parametrize("verb", ["fetch", "use"])
async def test_a_change_of_the_model_is_recorded_with_who_asked(tmp_path: Path, verb: str) -> None:
    async with running(make_app(settings_in(tmp_path), small_world())) as client:
        card = "smollm2-135m-instruct"
        await post(client, f"/v1/models/{card}/{verb}", {})
        records = (await client.get("/v1/audit")).json()["records"]
        told = [one for one in records if one["kind"] == f"model.{verb}"]
        assert [(one["actor"], one["object"]) for one in told] == [("operator:tester", card)]


async def test_a_deleted_chat_leaves_a_record(tmp_path: Path) -> None:
    async with running(make_app(settings_in(tmp_path), small_world())) as client:
        await post(client, "/v1/chat", {"session_id": 0, "text": "hello"})
        (session,) = (await client.get("/v1/chats")).json()["sessions"]
        gone = await client.delete(f"/v1/chats/{session['id']}")
        assert gone.status_code == 204
        records = (await client.get("/v1/audit")).json()["records"]
        told = [(one["actor"], one["object"]) for one in records if one["kind"] == "chat.delete"]
        assert told == [("operator:tester", f"chat {session['id']}")]
