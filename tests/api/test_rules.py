"""Rules over the operator's socket: rehearse, make, list, revoke; an edit (R1.8, R1.11)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from .conftest import running

CLI = {"X-Aistack-Via": "cli"}


async def test_a_rule_from_its_rehearsal_to_its_end(app: FastAPI) -> None:
    async with running(app) as client:
        task = (await client.post("/v1/tasks/action", json={"kind": "container.restart", "target": "web"})).json()
        one = (await client.get(f"/v1/approvals/{task['approval_id']}")).json()
        wish: dict[str, Any] = {"approval_id": one["id"], "action_hash": one["action_hash"], "any_task": True}
        early = await client.post("/v1/rules", json=wish)
        assert (early.status_code, "was not rehearsed" in early.json()["detail"]) == (409, True)
        shown = (await client.post("/v1/rules/rehearse", json=wish)).json()
        assert [passed["approval_id"] for passed in shown["passed"]] == [one["id"]]
        made = (await client.post("/v1/rules", json={**wish, "rehearsed": shown["rehearsed"]})).json()
        assert (await client.get("/v1/rules")).json()["rules"] == [made]
        gone = (await client.post(f"/v1/rules/{made['id']}/revoke", headers=CLI)).json()
        assert gone["ended"].startswith("revoked by operator:")
        assert (await client.post(f"/v1/rules/{made['id']}/revoke", headers=CLI)).status_code == 409
        assert (await client.post("/v1/rules/99/revoke", headers=CLI)).status_code == 404


async def test_an_edit_waits_as_another_request(app: FastAPI) -> None:
    async with running(app) as client:
        wish = {"kind": "shell.run", "script": "rm -rf /"}
        task = (await client.post("/v1/tasks/action", json=wish)).json()
        one = (await client.get(f"/v1/approvals/{task['approval_id']}")).json()
        request = {"action_hash": one["action_hash"], "script": "ls"}
        new = (await client.post(f"/v1/approvals/{one['id']}/edit", json=request)).json()
        assert (new["state"], new["script"], new["risk"], new["task_id"]) == ("pending", "ls", "low", task["id"])
        assert (await client.get(f"/v1/tasks/{task['id']}")).json()["state"] == "awaiting approval"
        late = await client.post(f"/v1/approvals/{one['id']}/edit", json=request)
        assert (late.status_code, late.json()["decision"]) == (409, "edit")
