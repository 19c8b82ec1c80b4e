"""Every route that can change something leaves a record when it does, or refuses; the route table is walked (R2.1)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from .conftest import running

CLI = {"X-Aistack-Via": "cli"}
CHANGES = ("post", "put", "patch", "delete")
LOOKS = {
    "/v1/actions/preview": "shows what would be asked",
    "/v1/audit/verify": "reads the log",
    "/v1/chat": "talks; what it would do is a request of its own",
    "/v1/chat/completions": "answers; nothing of it is kept",
    "/v1/chats/{id}/cancel": "ends an answer",
    "/v1/checklist/run": "measures",
    "/v1/completions": "answers; nothing of it is kept",
    "/v1/embeddings": "turns texts into vectors; nothing of them is kept",
    "/v1/loops/preview": "shows what would be asked",
    "/v1/route": "answers; the telemetry and the outbound log are its records",
    "/v1/nixos/search": "reads",
    "/v1/rules/rehearse": "tries a rule on the past",
    "/v1/search": "reads",
    "/v1/stack/check": "measures",
    "/v1/stack/plan": "shows what would be done",
    "/v1/spans": "tells how long a call of the console took",
    "/v1/workflow-check": "reads a file",
}
"""Routes that take a body and change nothing, and why."""


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route of ours that could change something."""
    for path, methods in app.openapi()["paths"].items():
        yield from ((method, path) for method in methods if method in CHANGES and path.startswith("/v1/"))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as found:
        yield found


class Walk:
    """What exists to be changed, made anew where a route uses it up."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.post(path, json=body)).json()
        return found

    async def asked(self, kind: str = "container.restart", **more: Any) -> dict[str, Any]:
        task = await self.post("/v1/tasks/action", kind=kind, target="web", **more)
        found: dict[str, Any] = (await self.client.get(f"/v1/approvals/{task['approval_id']}")).json()
        return found

    async def shell(self) -> dict[str, Any]:
        task = await self.post("/v1/tasks/action", kind="shell.run", script="rm -rf /")
        found: dict[str, Any] = (await self.client.get(f"/v1/approvals/{task['approval_id']}")).json()
        return found

    async def arguments(self, path: str) -> tuple[str, dict[str, Any] | None]:
        """Return the concrete path and the body with which a route does what it is for, or refuses."""
        plain: dict[str, dict[str, Any]] = {
            "/v1/tasks/action": {"kind": "container.restart", "target": "web"},
            "/v1/tasks/goal": {"text": "restart web", "planner": "rules"},
            "/v1/stack/use": {"file": ""},
            "/v1/alerts/{id}/snooze": {"minutes": 5},
            "/v1/collections/{name}/documents": {"source": "note:x", "text": "x"},
            "/v1/routing/lock": {"locked": True},
            "/v1/feedback": {"interaction_id": 1, "verdict": "good"},
            "/v1/collections/{name}/sweep": {"documents": [1]},
            "/v1/nixos/import": {"path": "/nonexistent"},
            "/v1/models": {"source": "http://127.0.0.1:9/o/tiny.gguf"},
            "/v1/models/{id}/remove": {"typed_name": "1"},
            "/v1/federation/signers": {"name": "north", "key": "0" * 64},
            "/v1/federation/export": {"path": "/none/at/all.json"},
            "/v1/federation/import": {"path": "/none/at/all.json"},
            "/v1/federation/items/{id}/accept": {"rule": ""},
            "/v1/learning/export": {"path": "/none/at/all.jsonl"},
            "/v1/learning/patterns/{id}/rollback": {"reason": "no"},
            "/v1/learning/samples/{id}/edit": {"question": "q", "answer": "a"},
            "/v1/learning/interactions/{id}/judgement": {"judgement": "good"},
        }
        if path in plain:
            return re.sub(r"\{[^}]*\}", "1", path), plain[path]
        if path == "/v1/rules":
            one = await self.asked()
            wish = {"approval_id": one["id"], "action_hash": one["action_hash"]}
            shown = await self.post("/v1/rules/rehearse", **wish)
            return path, {**wish, "rehearsed": shown["rehearsed"]}
        if path == "/v1/rules/{id}/revoke":
            _, wish = await self.arguments("/v1/rules")
            made = await self.post("/v1/rules", **(wish or {}))
            return f"/v1/rules/{made['id']}/revoke", None
        if path.startswith("/v1/approvals/"):
            return await self.deciding(path)
        return re.sub(r"\{[^}]*\}", "1", path), None

    async def deciding(self, path: str) -> tuple[str, dict[str, Any] | None]:
        one = await (self.shell() if path.endswith("/edit") else self.asked())
        bodies: dict[str, dict[str, Any]] = {
            "decision": {"verdict": "deny", "reason": "no", "action_hash": one["action_hash"]},
            "edit": {"script": "ls", "action_hash": one["action_hash"]},
            "go-on": {"words": "go on"},
        }
        return path.replace("{id}", str(one["id"])), bodies[path.rpartition("/")[2]]


async def test_every_route_is_told_apart(app: FastAPI) -> None:
    paths = {path for _, path in operations(app)}
    assert LOOKS.keys() <= paths, "a route that is gone"


NEEDS_MORE = {
    "/v1/approvals/{id}/go-on": "tests/trust/test_pace.py: nothing is paused here",
    "/v1/loops": "tests/e2e/test_loop.py: a folder and an image",
    "/v1/loops/{id}/guidance": "tests/e2e/test_loop.py: a loop that runs",
    "/v1/runs": "tests/stack/test_workflows.py: a workflow",
    "/v1/runs/{id}/rerun": "tests/stack/test_workflows.py: a run that ended",
    "/v1/chats/{id}": "tests/trust/test_review_api.py: a chat",
    "/v1/stack/use": "refused here: another manifest is a file of the person's own",
    "/v1/shutdown": "tests/api/test_routes.py: it ends the backend",
}
"""Routes that need more than this world to do their work, and where their record is tested."""


async def test_every_change_leaves_a_record(client: httpx.AsyncClient, app: FastAPI) -> None:
    walk, silent, tried = Walk(client), [], 0
    for method, path in operations(app):
        if path in LOOKS or path in NEEDS_MORE:
            continue
        where, body = await walk.arguments(path)
        before = (await client.get("/v1/audit?limit=1")).json()["total"]
        answer = await client.request(method, where, json=body, headers=CLI)
        after = (await client.get("/v1/audit?limit=1")).json()["total"]
        tried += 1
        if after <= before and answer.status_code != 404:
            silent.append(f"{method} {where}: {answer.status_code}")
    print(f"R2.1: {tried} routes tried, {len(silent)} without a record: {silent}")
    assert silent == []
    assert tried >= 9
