"""The backend's own doors for roles: what they carry, and that nothing else gets through (R1.12, R4.1)."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.api.encode import Encoder
from aistack_backend.api.parts import Parts
from aistack_backend.api.roles.catalogue import ROLES, Role, named
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.embedded import Doors, port, sites
from aistack_backend.api.roles.folder import listen
from aistack_backend.api.roles.serve import site
from aistack_backend.api.roles.site import OWN
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.containers.memory_world import World
from aistack_backend.errors import Conflict, Refused
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Service, ServiceState, Stack

from .conftest import make_app, running, settings_in

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CONTROL = [role for role in ROLES if role.control]


def socket_of(role: str) -> Path:
    """A role's socket, relative to the test's folder: absolute names can be too long to connect to."""
    return Path("d", "run", "roles", role, "aistack.sock")


@asynccontextmanager
async def over(role: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(uds=str(socket_of(role)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@asynccontextmanager
async def by_tcp(app: FastAPI, role: Role) -> AsyncIterator[httpx.AsyncClient]:
    with tcp("127.0.0.1", 0) as bound:
        door = Door(app.state.sites[role.id], bound)
        await door.open()
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
                yield client
        finally:
            await door.close()


@pytest.fixture
async def up(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """The whole application with its doors open, and the operator's client."""
    monkeypatch.chdir(tmp_path)
    app = make_app(settings_in(tmp_path), world)
    async with running(app) as operator:
        assert not app.state.parts.doors.get().shut
        yield app, operator


def concrete(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "1", path)


async def only_the_allowlist(client: httpx.AsyncClient, role: Role, paths: set[str]) -> None:
    """Try every path with every method; only what the catalogue names may answer."""
    allowed = {(one.method, concrete(one.path)) for one in (*OWN, *role.routes)}
    mine = {path for _, path in allowed}
    for method, path in itertools.product(METHODS, paths | mine):
        answer = await client.request(method, path, headers={"content-type": "application/json"}, content=b"{}")
        if path == "/tasks/1/stop" and method == "POST" and path in mine:
            assert answer.status_code in (403, 404), "a role must stop nothing"
        elif (method, path) in allowed:
            assert answer.status_code not in (405, 421, 403), (role.id, method, path)
        else:
            assert answer.status_code == (405 if path in mine else 404), (role.id, method, path, answer.text)


async def test_every_route_of_the_api_at_every_door(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    app, operator = up
    paths = {concrete(path) for path in app.openapi()["paths"]}
    assert "/v1/approvals/1/decision" in paths
    before = (await operator.get("/v1/approvals")).json()
    for role in CONTROL:
        async with over(role.id) as client:
            await only_the_allowlist(client, role, paths)
    for role in ROLES:
        async with by_tcp(app, role) as client:
            await only_the_allowlist(client, role, paths)
    assert (await operator.get("/v1/approvals")).json() == before


async def test_the_folders_keep_strangers_out_and_let_the_container_in(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    for role in CONTROL:
        path = socket_of(role.id)
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (path, *list(path.parents)[:3])]
        assert modes == [0o666, 0o755, 0o700, 0o700]


async def test_a_task_from_a_role_goes_through_the_gate(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, operator = up
    async with over("ralph-wiggum") as client:
        body = {
            "task": "remove db",
            "require_approval": False,
            "planner": "rules",
            "confirmed_hash": "x",
            "approved": True,
        }
        asked = await client.post("/execute", json=body)
        assert asked.status_code == 202
        said = asked.json()
        assert (said["task"]["requester"], said["task"]["via"]) == ("role:ralph-wiggum", "role")
        assert said["task"]["state"] == "awaiting approval"
        assert "Asking for no approval never lowers that." in said["note"]
        listed = (await client.get("/tasks")).json()["tasks"]
        one = (await client.get(f"/tasks/{said['task']['id']}")).json()
        assert one in listed
        for decide in (f"/v1/approvals/{said['task']['approval_id']}/decision", "/approve", "/v1/tasks/action"):
            answer = await client.post(decide, json={"verdict": "approve", "action_hash": "x"})
            assert answer.status_code == 404
    pending = (await operator.get("/v1/approvals")).json()["approvals"]
    assert [(one["id"], one["state"]) for one in pending] == [(said["task"]["approval_id"], "pending")]
    records = (await operator.get("/v1/audit")).json()["records"]
    assert "role:ralph-wiggum" in {one["actor"] for one in records}


BODIES = (b"", b"[]", b"{", b'{"task": 1}', b'{"task": "\\ud800"}', b"{}", b"[" * 50_000)


@pytest.mark.parametrize("body", BODIES, ids=["none", "list", "cut", "number", "half", "empty", "deep"])
async def test_what_is_no_task_is_a_problem(up: tuple[FastAPI, httpx.AsyncClient], body: bytes) -> None:
    async with over("ralph-wiggum") as client:
        answer = await client.post("/execute", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (422, "bad-input")


async def test_a_front_follows_its_backend(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role in its container: away with the backend, back with the next one, by the same mounted folder."""
    monkeypatch.chdir(tmp_path)
    settings = settings_in(tmp_path)
    front = site(named("ralph-wiggum"), {"AISTACK_ROLE_SOCKET": str(socket_of("ralph-wiggum"))})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://ralph-wiggum:8090") as client:
        assert (await client.get("/health")).status_code == 503
        for _ in range(2):
            async with running(make_app(settings, world)):
                folder = socket_of("ralph-wiggum").parent.stat().st_ino
                assert (await client.get("/health")).json()["status"] == "ok"
                asked = await client.post("/execute", json={"task": "stop web", "planner": "rules"})
                assert asked.status_code == 202
                assert (await client.get(f"/tasks/{asked.json()['task']['id']}")).json()["goal"] == "stop web"
                assert (await client.get("/tasks/999")).json()["detail"] == "There is no task 999."
            gone = (await client.get("/health")).json()
            assert "does not answer on" in gone["detail"]
            assert socket_of("ralph-wiggum").parent.stat().st_ino == folder


@pytest.fixture
def quiet(tmp_path: Path) -> Parts:
    """The backend's parts with nobody behind them: what the bus says is what the test published."""
    bus, clock, stopping = Bus(), SystemClock(), asyncio.Event()
    return Parts(
        settings=settings_in(tmp_path),
        clock=clock,
        bus=bus,
        encoder=Encoder(bus.epoch),
        stopping=stopping,
        stop=stopping.set,
        started_at=clock.now(),
    )


@asynccontextmanager
async def alone(parts: Parts, role: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(sites(lambda: parts)[role])
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{role}") as client:
        yield client


async def test_the_stack_and_the_updates_are_unknown_until_measured(quiet: Parts) -> None:
    async with alone(quiet, "health-monitor") as client:
        assert (await client.get("/services")).json()["type"] == "unavailable"
        assert (await client.get("/numbers")).json()["type"] == "unavailable"
        assert (await client.get("/health")).status_code == 503
    async with alone(quiet, "watchtower") as client:
        assert (await client.get("/updates")).status_code == 503
        assert (await client.get("/health")).status_code == 200


async def test_the_snapshot_is_handed_on_with_its_age(quiet: Parts) -> None:
    row = Service(
        id="redis",
        container="local-ai-redis",
        title="",
        group="data",
        provision=Provision.CONTAINER,
        state=ServiceState.OK,
    )
    fine = Source(name="stack", state=SourceState.OK, since=0.0)
    other = replace(row, id="qdrant", update="available", heal="restarts 1 of 5")
    seen = Stack(at=quiet.clock.now(), source=fine, services=(row, other))
    quiet.bus.publish(Topic.STACK, seen)
    async with alone(quiet, "health-monitor") as client:
        assert [one["id"] for one in (await client.get("/services")).json()["services"]] == ["redis", "qdrant"]
        assert (await client.get("/health")).json()["status"] == "ok"
        quiet.bus.publish(Topic.STACK, replace(seen, at=quiet.clock.now() - 4 * seen.poll))
        assert "were not checked lately" in (await client.get("/health")).json()["detail"]
    async with alone(quiet, "watchtower") as client:
        said = (await client.get("/updates")).json()
    assert ([one["service"] for one in said["looked"]], said["not_looked"]) == (["qdrant"], ["redis"])
    async with alone(quiet, "self-heal-manager") as client:
        healing = (await client.get("/healing")).json()
    assert (healing["hold"], [one["heal"] for one in healing["services"]]) == (False, ["", "restarts 1 of 5"])


async def test_the_operator_reaches_the_roles_by_their_prefixes(up: tuple[FastAPI, httpx.AsyncClient]) -> None:
    _, operator = up
    prefixes = {role.prefix: role for role in ROLES if role.prefix}
    assert set(prefixes) == {"/ralph", "/hybrid", "/code", "/aidb", "/nixos", "/aider", "/embeddings", "/llama"}
    for prefix, role in prefixes.items():
        said = (await operator.get(f"{prefix}/health")).json()
        assert (said["role"], said["provided"], said["status"]) == (role.id, "embedded", "ok")
        assert (await operator.get(f"{prefix}/v1/status")).status_code == 404


async def test_a_taken_port_shuts_one_door_and_no_other(tmp_path: Path, world: World) -> None:
    settings = settings_in(tmp_path, AISTACK_STACK_LISTEN="note")
    app = make_app(settings, world)
    with socket.create_server(("127.0.0.1", 0)) as mine, socket.create_server(("127.0.0.1", 0)) as spare:
        taken = replace(named("aidb"), port=mine.getsockname()[1])
        free = replace(named("hybrid-coordinator"), port=spare.getsockname()[1])
        spare.close()
        doors = Doors(settings, app.state.sites, (taken, free))
        await doors.open()
        try:
            assert list(doors.shut) == ["aidb"]
            assert f"Port {taken.port} of aidb is in use by" in doors.fault()
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free.port}") as client:
                assert (await client.get("/health")).json()["role"] == "hybrid-coordinator"
        finally:
            await doors.close()


def test_a_port_in_use_names_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        taken = replace(named("aidb"), port=mine.getsockname()[1])
        with pytest.raises(Conflict, match=rf"Port {taken.port} of aidb is in use by .*pid {os.getpid()}"):
            port(taken)


def test_what_is_no_socket_of_ours_is_not_touched(tmp_path: Path) -> None:
    run = tmp_path / "run"
    listen(run, "watchtower").close()
    listen(run, "watchtower").close()
    place = run / "roles" / "watchtower" / "aistack.sock"
    place.unlink()
    place.symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="is not a socket"):
        listen(run, "watchtower")
    held = listen(run, "aider-wrapper")
    with held, pytest.raises(Conflict, match="already listens"):
        listen(run, "aider-wrapper")


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    listen(run, "watchtower").close()
    (tmp_path / "elsewhere").mkdir()
    (run / "roles" / "code-machine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="is no folder of its own"):
        listen(run, "code-machine")
