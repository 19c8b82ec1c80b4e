"""R4.3: 60 combinations of headers against every route of the published description: none gets in."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from aistack_backend.api.guards import BODY_LIMIT, refusal
from aistack_backend.approvals.port import Person

from .conftest import OPERATOR, Accepted, running

GOOD = {"host": "localhost", "content-type": "application/json"}
HOSTS = (
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "localhost:80@evil.example",
    "[::1]evil",
    "localhost:x",
    "0.0.0.0",
    "",
    "127.1",
    "LOCALHOST.",
)
ORIGINS = ("http://evil.example", "null", "http://localhost", "https://127.0.0.1", "")
SITES = ("cross-site", "same-site", "CROSS-SITE", "bogus")
BODIES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp")


def combinations() -> list[tuple[dict[str, str], int]]:
    """Header sets with the status that refuses them; bad parts alone and together."""
    rows: list[tuple[dict[str, str], int]] = []
    rows += [({**GOOD, "host": host}, 421) for host in HOSTS]
    rows += [({**GOOD, "origin": origin}, 403) for origin in ORIGINS]
    rows += [({**GOOD, "sec-fetch-site": site}, 403) for site in SITES]
    rows += [({**GOOD, "content-type": kind}, 415) for kind in BODIES]
    rows += [({**GOOD, "host": h, "origin": o}, 421) for h, o in itertools.product(HOSTS[:4], ORIGINS[:4])]
    rows += [({**GOOD, "origin": o, "sec-fetch-site": s}, 403) for o, s in itertools.product(ORIGINS[:3], SITES[:3])]
    rows += [({**GOOD, "content-type": k, "origin": o}, 403) for k, o in itertools.product(BODIES, ORIGINS[:3])]
    return rows


def scope(headers: dict[str, str], method: str = "POST", path: str = "/v1/status", **more: Any) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": raw, "state": {"peer": OPERATOR}, **more}


@pytest.fixture
async def plain(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that adds no header of its own."""
    async with running(app) as client:
        client.headers.clear()
        yield client


async def recorded(plain: httpx.AsyncClient) -> list[int]:
    """Return which records there are, without self-heal's note of its rules, a second after the start."""
    found = (await plain.get("/v1/audit", headers={"host": "localhost"})).json()["records"]
    return [one["seq"] for one in found if one["kind"] != "policy.rules"]


async def test_no_combination_gets_in_on_any_route(plain: httpx.AsyncClient, app: FastAPI) -> None:
    rows = combinations()
    assert len(rows) >= 60
    before = await recorded(plain)
    for path, item in app.openapi()["paths"].items():
        for method in item:
            concrete = path.replace("{id}", "1").replace("{name}", "host.cpu")
            for headers, status in rows:
                answer = await plain.request(method, concrete, headers=headers)
                assert answer.status_code == status, (method, path, headers, answer.text)
                assert not [name for name in answer.headers if name.startswith("access-control")]
    assert await recorded(plain) == before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:8090", "[::1]:8090", "LOCALHOST"])
def test_our_own_names_get_in(host: str) -> None:
    assert refusal(scope({**GOOD, "host": host})) is None


def test_a_change_without_json_needs_our_header() -> None:
    bare = {"host": "localhost"}
    for method in ("POST", "PUT", "PATCH"):
        assert _status(scope(bare, method)) == 415
        assert _status(scope({**bare, "content-length": "2", "x-aistack-via": "cli"}, method)) == 415
        assert refusal(scope({**bare, "x-aistack-via": "cli"}, method)) is None
    assert refusal(scope(bare, "GET")) is None
    assert refusal(scope(bare, "DELETE")) is None


def test_a_deciding_header_sent_twice_is_refused() -> None:
    twice = scope(GOOD)
    twice["headers"].append((b"host", b"evil.example"))
    assert _status(twice) == 400


@pytest.mark.parametrize("length", [str(BODY_LIMIT + 1), "9" * 30, "-1", "x", "1e3"])
def test_a_long_or_odd_length_is_refused(length: str) -> None:
    assert _status(scope({**GOOD, "content-length": length})) == 413


async def test_a_body_without_length_is_counted(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    answer = await client.post("/v1/tasks/goal", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aistack_backend.api.heads.BODY_WITHIN", 0.05)

    async def stalls() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post("/v1/tasks/goal", content=stalls(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (408, "too-slow")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"text":' * 50_000, b"\xff\xfe", b"{", b"", b"null", b"[]"])
async def test_a_body_that_is_no_object_of_ours_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/tasks/goal", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["status"] == answer.status_code


STRANGERS = (None, replace(OPERATOR, uid=os.getuid() + 1000, user="other"))


@pytest.mark.parametrize("peer", STRANGERS)
async def test_a_stranger_gets_nothing_but_the_pulse(app: FastAPI, peer: Person | None) -> None:
    spoofs: tuple[dict[str, str], ...] = (
        {},
        {"x-peer": "0"},
        {"x-remote-user": "root"},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-uid": "0"},
    )
    async with running(app) as _:
        transport = httpx.ASGITransport(Accepted(app, peer))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as stranger:
            assert (await stranger.get("/healthz")).json() == {"status": "ok"}
            for path, item in app.openapi()["paths"].items():
                for method, spoof in itertools.product(item, spoofs):
                    if path == "/healthz":
                        continue
                    concrete = path.replace("{id}", "1").replace("{name}", "x")
                    answer = await stranger.request(method, concrete, headers={**spoof, **GOOD})
                    said = answer.json()  # a problem, or OpenAI's form of it
                    word = said["error"]["code"] if "error" in said else said["type"]
                    assert (answer.status_code, word) == (403, "stranger")


def _status(of: dict[str, Any]) -> int | None:
    problem = refusal(of)
    return problem.status if problem else None
