"""The aider-wrapper on the whole application: an edit becomes a loop that waits for a person; it decides nothing."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.api.roles.aider import differs
from aistack_backend.containers.memory_world import World
from aistack_backend.errors import BadInput, NotFound

from .conftest import make_app, running, settings_in

IMAGE = "localhost/aistack-aider:1"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").write_text("x = 1\n")
    return folder


@pytest.fixture
async def up(tmp_path: Path, world: World) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    world.add_image(IMAGE)
    app = make_app(settings_in(tmp_path), world)
    async with running(app) as operator:
        yield app, operator


async def ask(client: httpx.AsyncClient, work: Path, **more: Any) -> httpx.Response:
    body = {"prompt": "make x 2", "files": ["src/a.py"], "workspace": str(work), **more}
    return await client.post("/aider/execute", json=body)


async def test_an_edit_waits_for_a_person_with_everything_in_its_record(
    up: tuple[FastAPI, httpx.AsyncClient], work: Path
) -> None:
    _, client = up
    said = await ask(client, work, require_approval=False)
    body = said.json()
    assert (said.status_code, body["state"]) == (202, "awaiting approval"), body
    assert "Asking for no approval never lowers that." in body["note"]
    (asked,) = (await client.get("/v1/approvals")).json()["approvals"]
    assert (asked["kind"], asked["risk"], asked["requester"]) == ("loop.run", "high", "role:aider-wrapper")
    assert asked["argv"][2:5] == ["aider", "--model", "openai/in-memory"]
    assert asked["argv"][-1] == "src/a.py"
    again = await client.get(f"/aider/{body['url']}")
    assert again.json()["state"] == "awaiting approval"
    assert (await client.post(f"/aider/{body['url']}/stop", json={})).status_code == 403
    assert (await client.get(f"/aider/{body['url']}/result")).status_code == 202


@pytest.mark.parametrize(
    "path", ["/v1/approvals", "/approvals/1/decision", "/v1/loops", "/loops/1/patch", "/tasks/1/resume", "/edit"]
)
async def test_nothing_there_decides_or_shows_a_patch(up: tuple[FastAPI, httpx.AsyncClient], path: str) -> None:
    _, client = up
    assert (await client.post(f"/aider{path}", json={})).status_code == 404
    assert (await client.get(f"/aider{path}")).status_code == 404


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"prompt": ""}, 422, "no goal"),
        ({"prompt": 1}, 422, "prompt"),
        ({"files": "src/a.py"}, 422, "files"),
        ({"files": []}, 422, "Name either"),
        ({"files": ["../a"]}, 422, "no path inside"),
        ({"files": ["/etc/passwd"]}, 422, "no path inside"),
        ({"files": ["src"]}, 422, "no file"),
        ({"files": ["--config=x"]}, 422, "begins with"),
        ({"workspace": "work"}, 422, "no absolute path"),
        ({"workspace": "/nowhere/at/all"}, 404, "no folder"),
        ({"workspace": "/proc/self/cwd"}, 422, "no folder"),
        ({"agent": "openai"}, 422, "cannot be asked for here"),
        ({"agent": "http"}, 422, "cannot be asked for here"),
        ({"agent": "command"}, 422, "cannot be asked for here"),
        ({"agent": "nobody"}, 422, "cannot be asked for here"),
        ({"image": "localhost/none:1"}, 503, "no image"),
        ({"proof": "x" * 5_000}, 422, "longer"),
        ({"checks": ["../x"]}, 422, "no path inside"),
    ],
)
async def test_what_cannot_be_asked_is_told_in_one_sentence(
    up: tuple[FastAPI, httpx.AsyncClient], work: Path, more: dict[str, Any], status: int, says: str
) -> None:
    _, client = up
    said = await ask(client, work, **more)
    assert (said.status_code, says in said.text) == (status, True), said.text
    assert (await client.get("/v1/approvals")).json()["approvals"] == []


async def test_health_says_which_image_is_there(
    up: tuple[FastAPI, httpx.AsyncClient], world: World, tmp_path: Path
) -> None:
    _, client = up
    said = await client.get("/aider/health")
    assert (said.status_code, [one["ok"] for one in said.json()["checks"]]) == (200, [True, True])
    assert said.json()["checks"][1]["detail"] == f"Aider works in {IMAGE}."
    assert "POST /execute" in said.json()["built"]


async def test_without_aiders_image_it_says_so_and_another_agent_is_taken(
    tmp_path: Path, world: World, work: Path
) -> None:
    async with running(make_app(settings_in(tmp_path), world)) as client:
        said = await client.get("/aider/health")
        assert "must name another agent than aider" in said.json()["checks"][1]["detail"]
        assert (await ask(client, work)).status_code == 503
        assert (await ask(client, work, agent="local")).status_code == 202
    empty = World()
    (tmp_path / "e").mkdir()
    async with running(make_app(settings_in(tmp_path / "e", AISTACK_PODMAN_SANDBOX_IMAGE="x/none:1"), empty)) as client:
        said = await client.get("/aider/health")
        assert (said.status_code, said.json()["status"]) == (503, "unavailable")


def run(script: str, folder: Path) -> int:
    return subprocess.run(["/bin/sh", "-c", script], cwd=folder, check=False).returncode


def test_the_proof_of_a_request_without_one_sees_any_change_of_a_named_file(work: Path) -> None:
    (work / "odd 'name").write_bytes(b"\xff\0")
    script = differs(str(work), ("src/a.py", "odd 'name", "new"))
    assert hashlib.sha256(b"x = 1\n").hexdigest() in script
    assert run(script, work) != 0
    for path, text in (("src/a.py", "x = 2\n"), ("odd 'name", "x"), ("new", "")):
        before = (work / path).read_bytes() if (work / path).exists() else None
        (work / path).write_text(text)
        assert run(script, work) == 0
        (work / path).unlink() if before is None else (work / path).write_bytes(before)
    (work / "src" / "a.py").unlink()
    assert run(script, work) == 0


def test_a_link_is_no_file_to_look_at(work: Path) -> None:
    (work / "link").symlink_to("/etc/passwd")
    (work / "out").symlink_to("/etc")
    for path in ("link", "out/passwd"):
        with pytest.raises(BadInput, match="cannot be read"):
            differs(str(work), (path,))
    with pytest.raises(NotFound):
        differs(str(work / "none"), ("a",))
