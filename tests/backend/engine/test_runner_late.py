"""What arrives too late, goes on for too long, hangs or breaks midway: each run still has one ending."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.engine.gate import Verdict
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Fate, Outcome
from aistack_backend.errors import Unavailable
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.audit import Phase


class Stubborn(NoteTool):
    """Cannot be interrupted: it finishes its work before it lets itself be cancelled, as Podman's calls do."""

    async def run(self, key: str, action: Action) -> Outcome:
        self.step("before")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.write(key, action)
        raise AssertionError("unreachable")


async def test_a_stop_that_came_too_late_is_told_as_done(rig: Any) -> None:
    tool = rig.use(Stubborn)
    run = rig.approved()
    runner = rig.runner()
    acting = asyncio.Event()
    tool.step = lambda _: acting.set()
    life = asyncio.ensure_future(runner.execute(run))
    await asyncio.wait_for(acting.wait(), 60)
    runner.stop(run.task_id, "Stopped by operator:root.")
    assert await asyncio.wait_for(life, 60) == "done"
    assert rig.task(run.task_id)["reason"] == "Stopped by operator:root. It had been done by then."


class Slow(NoteTool):
    """Its effect goes on outside after the backend died: only the third look can tell."""

    looks = 0

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        self.looks += 1
        return super().probe(key, action) if self.looks == 3 else (Fate.UNKNOWN, None)


async def test_an_effect_that_still_goes_on_is_looked_at_again(rig: Any) -> None:
    tool = rig.use(Slow)
    run = rig.approved()
    tool.write(run.key, rig.gate().begin(run).action)
    rig.look_again = (0.001, 0.001, 0.001)
    assert await rig.runner().execute(run) == "done"
    assert tool.looks == 3
    assert len(tool.lines()) == 1


async def test_one_run_called_twice_at_once_acts_once(rig: Any) -> None:
    run = rig.approved()
    runner = rig.runner()
    assert await asyncio.gather(*(runner.execute(run) for _ in range(4))) == ["done"] * 4
    assert len(rig.tool.lines()) == 1


async def test_an_audit_that_takes_no_intent_fails_the_task_and_runs_nothing(rig: Any) -> None:
    run = rig.approved()
    rig.disk.full.set()
    with pytest.raises(Unavailable):
        rig.audit.note(phase=Phase.NOTE, actor="backend", kind="test")
    rig.disk.refused.clear()
    life = asyncio.ensure_future(rig.runner().execute(run))
    assert await asyncio.to_thread(rig.disk.refused.wait, 10)
    rig.disk.full.clear()
    assert await asyncio.wait_for(life, 60) == "refused"
    assert rig.state(run) == ("failed", None)
    assert rig.task(run.task_id)["reason"].startswith("Nothing ran: ")
    assert rig.tool.lines() == []
    assert rig.audit.verify().ok


async def test_a_run_abandoned_after_it_began_is_found_out_not_written_off(rig: Any) -> None:
    run = rig.approved()
    rig.tool.write(run.key, rig.gate().begin(run).action)
    assert rig.gate().abandon(run, "Nothing ran: the disk is full.").verdict is Verdict.INTERRUPTED
    assert await rig.runner().execute(run) == "done"
    assert len(rig.tool.lines()) == 1


async def test_a_run_abandoned_before_it_began_has_failed(rig: Any) -> None:
    run = rig.approved()
    assert rig.gate().abandon(run, "Nothing ran: the disk is full.").verdict is Verdict.OVER
    assert rig.state(run) == ("failed", None)
    assert await rig.runner().execute(run) == "refused"
    assert rig.tool.lines() == []


class Hanging(NoteTool):
    """Its recheck hangs until it is let go, and then has doubts."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.asked, self.let_go = threading.Event(), threading.Event()

    def recheck(self, action: Action) -> str:
        self.asked.set()
        self.let_go.wait(20)
        return "It does not answer."


async def test_a_target_that_hangs_does_not_hold_the_database(rig: Any) -> None:
    tool = rig.use(Hanging)
    run = rig.approved()
    life = asyncio.ensure_future(rig.runner().execute(run))
    assert await asyncio.to_thread(tool.asked.wait, 10)
    other = await asyncio.wait_for(asyncio.to_thread(rig.approved), 60)  # writes meanwhile
    tool.let_go.set()
    assert await asyncio.wait_for(life, 60) == "refused"
    assert "It does not answer" in rig.task(run.task_id)["reason"]
    assert rig.approvals.get(other.approval_id).state is ApprovalState.APPROVED
