"""Every role's site: its index, its health with what it needs and without, its numbers, and who is let in."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from aistack_backend.api.roles.catalogue import ROLES, Role, named
from aistack_backend.api.roles.checks import Need
from aistack_backend.api.roles.serve import site
from aistack_backend.api.roles.site import OWN, build
from aistack_backend.errors import BadInput, Unavailable

BARE = Role(id="bare", port=1, title="A role without routes", later=("everything",))
GONE = {"AISTACK_ROLE_SOCKET": "/nonexistent/aistack.sock"}
PORTS = {
    "llama-cpp": 8080,
    "embeddings": 8081,
    "ralph-wiggum": 8090,
    "aidb": 8091,
    "hybrid-coordinator": 8092,
    "nixos-docs": 8094,
    "code-machine": 8095,
    "aider-wrapper": 8096,
    "health-monitor": 8097,
    "self-heal-manager": 8098,
    "watchtower": 8099,
}


@asynccontextmanager
async def calling(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def test_the_eleven_roles_have_the_notes_ports() -> None:
    assert {role.id: role.port for role in ROLES} == PORTS
    with pytest.raises(BadInput, match="no role 'ralph'"):
        named("ralph")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.id)
async def test_a_role_alone_says_what_it_is_and_what_it_lacks(role: Role) -> None:
    async with calling(site(role, GONE)) as client:
        index = (await client.get("/")).json()
        health = await client.get("/health")
        metrics = (await client.get("/metrics")).text
    assert (index["role"], index["title"]) == (role.id, role.title)
    said = health.json()
    alone = role.id in ("llama-cpp", "embeddings")
    assert health.status_code == (200 if alone else 503)
    assert (said["status"], said["role"], said["provided"]) == ("ok" if alone else "unavailable", role.id, "container")
    assert said["detail"].endswith(".")
    assert all(not one["ok"] and one["detail"] in said["detail"] for one in said["checks"])
    assert [f"{one['method']} {one['path']}" for one in index["routes"]] == said["built"]
    assert f'aistack_role_healthy{{role="{role.id}"}} {float(alone)}' in metrics
    assert 'route="/health"' in metrics


async def test_health_names_each_need_that_is_not_met() -> None:
    async def fine() -> str:
        return "It answers."

    async def away() -> str:
        raise Unavailable("The store is away.")

    async def broken() -> str:
        raise ConnectionRefusedError(111, "Connection refused")

    async with calling(build(BARE, {}, (Need("a", fine),), "embedded")) as client:
        good = await client.get("/health")
    async with calling(build(BARE, {}, (Need("a", fine), Need("b", away), Need("c", broken)), "embedded")) as client:
        bad = await client.get("/health")
    assert (good.status_code, good.json()["status"], good.json()["not_built"]) == (200, "ok", ["everything"])
    assert [one["detail"] for one in good.json()["checks"]] == ["It answers."]
    assert bad.status_code == 503
    assert bad.json()["detail"] == "The store is away. c cannot be reached: Connection refused."


async def test_callers_wait_for_one_question_and_no_longer_than_it_may_take() -> None:
    asked, release = 0, asyncio.Event()

    async def slow() -> str:
        nonlocal asked
        asked += 1
        await release.wait()
        return "It answers."

    async with calling(build(BARE, {}, (Need("store", slow, 0.05),), "embedded")) as client:
        answers = await asyncio.gather(*(client.get("/health") for _ in range(20)))
        assert {answer.json()["detail"] for answer in answers} == {"store did not answer within 0.05 s."}
        assert asked == 1
        release.set()
        assert (await client.get("/health")).json()["status"] == "ok"


async def test_what_is_not_built_is_absent() -> None:
    async with calling(build(BARE, {}, (), "embedded")) as client:
        for method, path in itertools.product(("GET", "POST", "DELETE"), ("/route", "/execute", "/v1/status", "/x")):
            answer = await client.request(method, path, json={})
            assert (answer.status_code, answer.json()["type"]) == (404, "not-found")
        assert (await client.post("/health", json={})).status_code == 405


HOSTS = ("evil.example", "bare.evil.example", "local-ai-aidb", "bare@evil", "bare:x", "127.0.0.1.nip.io", "0.0.0.0", "")
ORIGINS = ("http://evil.example", "null", "http://localhost", "http://bare:1", "https://local-ai-bare", "")
SITES = ("cross-site", "same-site", "CROSS-SITE", "bogus")
KINDS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
GOOD = {"host": "bare:1"}


def bad_heads() -> list[tuple[dict[str, str], int]]:
    """Header sets with the status that refuses them."""
    rows = [({**GOOD, "host": host}, 421) for host in HOSTS]
    rows += [({**GOOD, "origin": origin}, 403) for origin in ORIGINS]
    rows += [({**GOOD, "sec-fetch-site": site}, 403) for site in SITES]
    rows += [({**GOOD, "content-type": kind}, 415) for kind in KINDS]
    rows += [({"host": host, "origin": origin}, 421) for host, origin in itertools.product(HOSTS[:4], ORIGINS[:5])]
    rows += [({**GOOD, "origin": o, "sec-fetch-site": s}, 403) for o, s in itertools.product(ORIGINS[:3], SITES)]
    rows += [({**GOOD, "origin": o, "content-type": k}, 403) for o, k in itertools.product(ORIGINS[:3], KINDS)]
    return rows


async def test_sixty_header_sets_and_none_gets_in() -> None:
    rows = bad_heads()
    assert len(rows) >= 60
    async with calling(build(BARE, {}, (), "embedded")) as client:
        client.headers.clear()
        for (head, status), told in itertools.product(rows, OWN):
            answer = await client.request(told.method, told.path, headers=head)
            assert answer.status_code == status, (head, told)
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:1", "bare", "bare:1", "local-ai-bare:1", "BARE"])
async def test_its_own_names_get_in(host: str) -> None:
    async with calling(build(BARE, {}, (), "embedded")) as client:
        assert (await client.get("/health", headers={"host": host})).status_code == 200


async def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    env = {
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PASSWORD_FILE": str(tmp_path / "none"),
        "QDRANT_URL": "http://127.0.0.1:9",
    }
    async with calling(site(named("aidb"), env)) as client:
        said = (await client.get("/health")).json()
    assert f"The secret {tmp_path / 'none'} cannot be read" in said["detail"]
    assert "http://127.0.0.1:9 does not answer" in said["detail"]


def test_a_front_brings_neither_tables_nor_fastapi() -> None:
    """Six processes of the stack are fronts: what they do not need they do not load."""
    loaded = (
        "import sys, aistack_backend.api.roles.serve; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60)
    assert not {"fastapi", "pydantic", "sqlalchemy", "numpy", "mcp", "httpx"} & set(said.stdout.split())
