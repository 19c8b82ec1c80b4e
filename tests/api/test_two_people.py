"""Two named operators on one account decide over the operator's socket; a wrong key is refused and recorded (R1.14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from aistack_backend.containers.memory_world import World
from aistack_backend.settings import resolve
from aistack_backend.wire import operatorkey

from .conftest import make_app, running


@pytest.fixture
async def client(tmp_path: Path, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A backend that knows two operators and wants both for what is high."""
    lines = ["[operators]"]
    lines += [f'{name} = "{operatorkey.make(name, tmp_path / name)}"' for name in ("anna", "bert")]
    lines += ["[approvals]", 'two_people = "high"', "[model]", 'adapter = "memory"']
    (tmp_path / "config.toml").write_text("\n".join(lines))
    env = {"HOME": str(tmp_path), "AISTACK_CACHE_DIR": str(tmp_path / "cache")}
    settings = resolve(env, config_file=tmp_path / "config.toml", data_dir=tmp_path / "d")
    async with running(make_app(settings, world)) as found:
        yield found


def key(tmp_path: Path, name: str) -> dict[str, str]:
    return {"X-Aistack-Operator": operatorkey.read(tmp_path / name)}


async def test_two_keys_are_two_people(client: httpx.AsyncClient, tmp_path: Path) -> None:
    goal = {"text": "kill web", "planner": "rules"}
    asked = (await client.post("/v1/tasks/goal", json=goal, headers=key(tmp_path, "anna"))).json()
    wish = {"kind": "container.kill", "target": "web"}
    role = (await client.post("/v1/tasks/action", json=wish, headers=key(tmp_path, "bert"))).json()
    one = (await client.get(f"/v1/approvals/{role['approval_id']}")).json()
    assert (one["people"], one["requester"].startswith("operator:bert/")) == (2, True)
    yes = {"verdict": "approve", "action_hash": one["action_hash"], "code": one["code"]}
    path = f"/v1/approvals/{one['id']}/decision"
    unnamed = await client.post(path, json=yes)
    assert (unnamed.status_code, unnamed.json()["type"]) == (403, "approval-unnamed")
    own = await client.post(path, json=yes, headers=key(tmp_path, "bert"))
    assert (own.status_code, own.json()["type"]) == (403, "approval-own-request")
    first = (await client.post(path, json=yes, headers=key(tmp_path, "anna"))).json()
    assert (first["state"], first["first_by"].startswith("operator:anna/")) == ("pending", True)
    again = await client.post(path, json=yes, headers=key(tmp_path, "anna"))
    assert (again.status_code, again.json()["type"]) == (403, "approval-same-person")
    assert asked["requester"].startswith("operator:anna/")


async def test_a_wrong_key_opens_nothing_and_is_recorded(client: httpx.AsyncClient, tmp_path: Path) -> None:
    good = operatorkey.read(tmp_path / "anna")
    name, _, secret = good.partition(":")
    wrong = (
        "", ":", "anna", "anna:", f"bert:{secret}", f"{name}:{secret[:-1]}", f"{name}:{secret}x", f"root:{secret}",
        f" {secret}", f"{name}:{secret.swapcase()}", f"{name.upper()}:{secret}", "x" * 4000,
    )  # fmt: skip
    taken = 0
    for said in wrong:
        answer = await client.post(
            "/v1/tasks/action",
            json={"kind": "container.restart", "target": "web"},
            headers={"X-Aistack-Operator": said},
        )
        taken += (answer.status_code, answer.json()["type"]) != (403, "operator-key")
    twice = await client.post(
        "/v1/tasks/stop-all", headers=[("X-Aistack-Operator", good)] * 2 + [("X-Aistack-Via", "cli")]
    )
    assert twice.status_code == 400
    page = (await client.get("/v1/audit", params={"text": "operator key is not right", "limit": 100})).json()
    assert (taken, page["total"]) == (0, len(wrong))
    assert not any(secret in str(record) for record in page["records"])
    print(f"R1.13 keys: {len(wrong)} tried, {taken} failed (wrong keys that were taken)")
