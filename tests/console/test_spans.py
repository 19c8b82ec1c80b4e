"""The console's part of a trace: measured from the key or verb, told in the background, counted when it cannot be."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.console.stage import stage, until
from tests.console.world import approval

from aistack_backend.wire.actions import ActionRequest, GoalRequest
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.client import act, spans
from aistack_console.client.act import acting
from aistack_console.client.api import Client
from aistack_console.client.spans import AT_ONCE, WAITING, Spans
from aistack_console.errors import BackendDown, ClientError

TASK = Task(id=1, goal="g", state=TaskState.AWAITING, requester="operator:me", created_at=1.0, updated_at=1.0)
GOAL = GoalRequest(text="restart web")


async def test_a_call_is_measured_from_what_the_operator_did_and_told_after_its_answer() -> None:
    async with stage() as on:
        on.answers |= {"POST /v1/tasks/goal": TASK, "POST /v1/actions/preview": approval(1)}
        client = Client(on.socket, via="cli")
        before = time.time()
        with acting("run", ago=0.5, fresh=60):
            await client.preview(ActionRequest(kind="container.restart", target="web"))
            await client.run(GOAL)
            await client.run(GOAL)
        assert on.told == []
        assert [one.name for one in client.spans.waiting] == ["run"] * 3
        look, first, again = client.spans.waiting
        assert first.start == pytest.approx(before - 0.5, abs=0.3)
        assert first.seconds > 0.5
        assert look.seconds < 0.5, "looking goes before what was asked"
        assert again.seconds < 0.5
        assert not first.failed
        assert len({one.trace_id for one in client.spans.waiting}) == 3
        await client.spans.tell()
        await client.spans.tell()
        assert [len(one["spans"]) for one in on.told] == [3]
        await client.close()


async def test_the_screens_are_told_of_in_the_background() -> None:
    async with stage() as on:
        on.answers["POST /v1/tasks/goal"] = TASK
        client = Client(on.socket)
        client.spans.background = True
        await client.run(GOAL)
        await until(lambda: bool(on.told))
        (one,) = on.told[0]["spans"]
        assert (one["name"], one["failed"]) == ("asked", False)
        assert re.fullmatch("[0-9a-f]{32}", one["trace_id"])
        await client.run(GOAL)
        await client.spans.close()
        assert len(on.told) == 2
        await client.close()


async def test_what_was_refused_says_how() -> None:
    async with stage() as on:
        on.answers["POST /v1/tasks/goal"] = Problem(type="x", title="no", status=409)
        client = Client(on.socket)
        with pytest.raises(ClientError):
            await client.run(GOAL)
        (one,) = client.spans.waiting
        assert (one.failed, one.detail) == (True, "409")
        await client.close()


async def test_while_nobody_answers_it_waits_and_the_oldest_are_counted(tmp_path: Path) -> None:
    client = Client(tmp_path / "none.sock")
    with pytest.raises(BackendDown):
        await client.run(GOAL)
    assert client.spans.waiting[0].detail == "BackendDown"
    for _ in range(WAITING + 2):
        with client.spans.measuring("POST", "/x"):
            pass
    await client.spans.tell()
    assert (len(client.spans.waiting), client.spans.lost) == (WAITING, 3)
    async with stage() as on:
        there = Spans(on.socket, {})
        there.waiting, there.lost = client.spans.waiting, client.spans.lost
        for _ in range(5):
            await there.tell()
        assert [(len(one["spans"]), one["lost"]) for one in on.told] == [
            (AT_ONCE, 3), *[(AT_ONCE, 0)] * (WAITING // AT_ONCE - 1),
        ]  # fmt: skip
    await client.close()


async def test_an_older_backend_is_told_nothing_more_and_one_that_refuses_costs_the_batch() -> None:
    async with stage() as on:
        for status, on_after, lost in ((422, True, 1), (503, True, 2), (404, False, 0)):
            told = Spans(on.socket, {})
            told.lost = lost - 1 if lost else 0
            on.answers["POST /v1/spans"] = Problem(type="x", title="no", status=status)
            with told.measuring("POST", "/x") as head:
                assert head
            await told.tell()
            assert (told.on, told.lost, len(told.waiting)) == (on_after, lost, 0)
        with told.measuring("POST", "/x") as head:
            assert head == {}


async def test_a_backend_that_says_nothing_does_not_hold_the_console_up(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_unix_server(mute, tmp_path / "s"):
        told = Spans(tmp_path / "s", {})
        with told.measuring("POST", "/x"):
            pass
        began = time.monotonic()
        await told.close()
        assert time.monotonic() - began < 10 * spans.LEAVING
        assert len(told.waiting) == 1
        await asyncio.wait_for(left.wait(), 30)


async def test_who_only_looks_sends_no_trace(tmp_path: Path) -> None:
    told = Spans(tmp_path / "s", {})
    with told.measuring("GET", "/v1/tasks") as head:
        assert head == {}
    told.on = False
    with told.measuring("POST", "/v1/actions/preview") as head:
        assert head == {}
    assert not told.waiting


def test_a_key_that_is_long_past_has_asked_nothing() -> None:
    now = time.monotonic()
    assert act.since(now, looks=False) == ("asked", now)
    with acting("tasks.stop", ago=act.FRESH + 1):
        assert act.since(now, looks=False) == ("asked", now)
    with acting("approve", ago=100, fresh=1e9):
        act.answered()
        name, since = act.since(time.monotonic(), looks=False)
        assert (name, since >= now) == ("approve", True)


async def test_two_things_at_once_keep_their_own_acts() -> None:
    async def asked(name: str) -> str:
        with acting(name):
            await asyncio.sleep(0)
            return act.since(time.monotonic(), looks=False)[0]

    assert await asyncio.gather(asked("a"), asked("b")) == ["a", "b"]


def test_the_console_needs_no_opentelemetry() -> None:
    code = (
        "import sys, aistack_console.app; print([x for x in sys.modules if x.startswith(('opentelemetry', 'httpx'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
