"""One request over a role's port is one trace: the front's own span goes by OTLP, the backend's stands below it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.bed.collector import collector

from aistack_backend.containers.memory_world import World

from .conftest import make_app, running, settings_in
from .test_role_doors import socket_of

HEAD = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
ASKS = {"task": "stop web", "planner": "rules"}
FRONT = """
import asyncio, os, sys
from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.serve import site
from aistack_backend.api.roles.spans import Spans
async def main():
    role, bound = named("ralph-wiggum"), tcp("127.0.0.1", 0)
    spans = Spans(role.id, os.environ)
    door = Door(site(role, os.environ, spans=spans), bound)
    await door.open()
    spans.start()
    await spans.opened()
    print(bound.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await door.close()
    await spans.stop()
asyncio.run(main())
"""


@asynccontextmanager
async def front(otlp: str) -> AsyncIterator[httpx.AsyncClient]:
    """The role in a process of its own, as in its container."""
    env = {**os.environ, "AISTACK_ROLE_SOCKET": str(socket_of("ralph-wiggum")), "AISTACK_TRACES_OTLP": otlp}
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", FRONT, stdin=pipe, stdout=pipe, env=env)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        port = int(await asyncio.wait_for(child.stdout.readline(), 60))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        child.stdin.close()
        assert await asyncio.wait_for(child.wait(), 60) == 0


@pytest.fixture
async def backend(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.chdir(tmp_path)
    async with running(make_app(settings_in(tmp_path), world)) as client:
        yield client


async def request_of(backend: httpx.AsyncClient, trace: str) -> dict[str, Any]:
    """The backend's span of the request that came over the role's socket."""
    async with asyncio.timeout(60):
        while True:
            found = await backend.get(f"/v1/traces/{trace}")
            spans = [one for one in found.json().get("spans", ()) if one["name"] == "POST /execute"]
            if spans and spans[0]["seconds"] is not None:
                assert found.json()["tasks"]
                return dict(spans[0])


async def test_one_request_is_one_trace_through_front_and_backend(backend: httpx.AsyncClient) -> None:
    with collector() as there:
        async with front(there.url) as client:
            assert (await client.post("/execute", json=ASKS, headers=HEAD)).status_code == 202
            service, span = await asyncio.to_thread(there.next)
            assert (service, span.name) == ("ralph-wiggum", "POST /execute")
            assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("a" * 32, "b" * 16)
            assert {one.key for one in span.attributes} == {"role", "status"}
            request = await request_of(backend, "a" * 32)
            assert request["parent_id"] == span.span_id.hex()
            assert request["attributes"] == {"role": "ralph-wiggum", "status": "202"}
            await client.get("/tasks/1")
            numbers = (await client.get("/metrics")).text
            assert 'aistack_role_spans_sent_total{role="ralph-wiggum"} 1' in numbers
            assert (await client.post("/execute", json=ASKS, headers={"traceparent": "x"})).status_code == 202
        assert there.next()[1].parent_span_id == b"", "told before it ended, and it began a trace of its own"
        assert there.spans.empty(), "what only reads makes none"


async def test_a_receiver_that_is_away_is_counted_and_changes_no_answer(backend: httpx.AsyncClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with front(f"http://127.0.0.1:{port}") as client:
        assert (await client.post("/execute", json=ASKS)).status_code == 202
        async with asyncio.timeout(60):
            while 'spans_waiting{role="ralph-wiggum"} 1' not in (await client.get("/metrics")).text:
                pass
        assert (await client.get("/health")).json()["status"] == "ok"


@pytest.mark.parametrize("otlp", ["", "http://far.example:4318", "nonsense"])
async def test_without_an_address_the_callers_trace_is_passed_on(backend: httpx.AsyncClient, otlp: str) -> None:
    async with front(otlp) as client:
        assert (await client.post("/execute", json=ASKS, headers=HEAD)).status_code == 202
        assert "aistack_role_spans" not in (await client.get("/metrics")).text
        assert (await request_of(backend, "a" * 32))["parent_id"] == "b" * 16
