"""What a run may do at every point where the backend can die; a second Runner is the next life."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text, update

from aistack_backend.approvals.action import Action
from aistack_backend.engine.gate import RERUN_WITHIN, Run
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Outcome, Registry
from aistack_backend.store.tables import approval, effect
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.actions import Verdict as Answer
from aistack_backend.wire.audit import Phase


class Lossy(NoteTool):
    """Breaks in the middle of a run, with or without having written."""

    wrote = True

    async def run(self, key: str, action: Action) -> Outcome:
        if self.wrote:
            self.write(key, action)
        raise OSError("the line was cut")


class Unwilling(NoteTool):
    """Runs, and reports failure."""

    async def run(self, key: str, action: Action) -> Outcome:
        return Outcome(ok=False, text="exit code 3\nmore")


def phases(rig: Any, run: Run) -> list[str]:
    records = rig.audit.page(200).records
    return [record.phase for record in reversed(records) if record.approval_id == run.approval_id]


async def test_an_approved_action_runs_once_and_is_told_everywhere(rig: Any) -> None:
    run = rig.approved()
    assert await rig.runner().execute(run) == "done"
    assert rig.state(run) == ("done", "done")
    assert rig.task(run.task_id)["result"] == "wrote 'hello'"
    assert len(rig.tool.lines()) == 1
    assert phases(rig, run)[-2:] == [Phase.INTENT, Phase.OUTCOME]
    assert rig.approvals.get(run.approval_id).state is ApprovalState.USED
    assert rig.audit.verify().ok


async def test_a_repeat_of_a_finished_run_does_nothing(rig: Any) -> None:
    run = rig.approved()
    assert [await rig.runner().execute(run) for _ in range(3)] == ["done"] * 3
    assert len(rig.tool.lines()) == 1


async def test_the_intent_is_witnessed_before_the_tool_is_called(rig: Any) -> None:
    seen: list[tuple[str, int | None, int]] = []

    def look(stage: str) -> None:
        check = rig.audit.verify()
        seen.append((stage, check.witnessed, check.count))

    rig.tool.step = look
    run = rig.approved()
    await rig.runner().execute(run)
    stage, witnessed, count = seen[0]
    assert stage == "before"
    assert witnessed == count
    assert phases(rig, run).index(Phase.INTENT) < phases(rig, run).index(Phase.OUTCOME)


@pytest.mark.parametrize("verdict", [None, Answer.DENY])
async def test_what_nobody_approved_does_not_run(rig: Any, verdict: Answer | None) -> None:
    asked = rig.ask()
    if verdict:
        rig.decide(asked, verdict)
    run = Run(asked.task_id, asked.id, asked.revision)
    assert await rig.runner().execute(run) == "refused"
    assert rig.tool.lines() == []
    assert rig.state(run)[1] is None
    assert rig.task(run.task_id)["reason"].startswith("It did not run. Approval")


async def test_a_run_of_another_task_or_of_no_approval_does_not_run(rig: Any) -> None:
    run = rig.approved()
    assert await rig.runner().execute(Run(run.task_id, 999, 1)) == "refused"
    assert rig.tool.lines() == []


async def test_a_changed_target_does_not_run(rig: Any) -> None:
    run = rig.approved()
    rig.tool.changed = "the container was replaced"
    assert await rig.runner().execute(run) == "refused"
    assert rig.tool.lines() == []
    assert rig.approvals.get(run.approval_id).state is ApprovalState.MISMATCH
    assert "the container was replaced" in rig.task(run.task_id)["reason"]


async def test_changed_bytes_do_not_run(rig: Any) -> None:
    run = rig.approved()
    with rig.database.tx() as connection:
        stored = rig.approvals.get(run.approval_id).payload.value.replace("hello", "hallo")
        connection.execute(update(approval).where(approval.c.id == run.approval_id).values(action=stored))
    assert await rig.runner().execute(run) == "refused"
    assert rig.tool.lines() == []


async def test_bytes_that_are_no_text_do_not_run(rig: Any) -> None:
    run = rig.approved()
    with rig.database.tx() as connection:
        connection.execute(text("UPDATE approval SET action = CAST(X'FFFE00' AS TEXT)"))
    assert await rig.runner().execute(run) == "refused"
    assert rig.tool.lines() == []
    assert rig.state(run) == ("failed", None)


async def test_approved_and_unused_at_a_restart_is_stale(rig: Any) -> None:
    run = rig.approved()
    rig.approvals.on_restart()
    assert await rig.runner().execute(run) == "refused"
    assert rig.approvals.get(run.approval_id).state is ApprovalState.STALE
    assert rig.tool.lines() == []


async def test_without_a_witness_nothing_runs_and_the_end_is_written_when_it_is_back(rig: Any) -> None:
    run = rig.approved()
    rig.disk.full.set()
    life = asyncio.ensure_future(rig.runner().execute(run))
    assert await asyncio.to_thread(rig.disk.refused.wait, 10)
    assert rig.state(run) == ("running", "begun")
    rig.disk.full.clear()
    assert await asyncio.wait_for(life, 60) == "cancelled"
    assert rig.tool.lines() == []
    assert rig.state(run) == ("failed", "cancelled")
    assert rig.task(run.task_id)["reason"].startswith("Nothing ran: ")
    assert rig.audit.verify().ok


@pytest.mark.parametrize(
    ("kind", "acted", "task_state", "effect_state", "lines"),
    [
        ("note.append", False, "done", "done", 1),
        ("note.append", True, "done", "done", 1),
        ("note.blind", False, "unsure", "unknown", 0),
        ("note.blind", True, "unsure", "unknown", 1),
        ("note.set", False, "done", "done", 1),
        ("note.set", True, "done", "done", 1),
    ],
)
async def test_a_death_after_the_gate_has_one_ending(
    rig: Any, kind: str, acted: bool, task_state: str, effect_state: str, lines: int
) -> None:
    run = rig.approved(kind)
    start = rig.gate().begin(run)
    if acted:
        rig.tool.write(run.key, start.action)
    for _ in range(2):
        assert await rig.runner().execute(run) == effect_state
        assert rig.state(run) == (task_state, effect_state)
        assert len(rig.tool.lines()) == lines
    if task_state == "unsure":
        assert rig.task(run.task_id)["reason"].startswith("It may have run, and its outcome could not be found (")
    assert rig.audit.verify().ok


async def test_an_interrupted_effect_that_is_too_old_does_not_run(rig: Any) -> None:
    run = rig.approved()
    rig.gate().begin(run)
    with rig.database.tx() as connection:
        old = rig.clock.now() - RERUN_WITHIN - 1
        connection.execute(update(effect).where(effect.c.key == run.key).values(begun_at=old))
    assert await rig.runner().execute(run) == "cancelled"
    assert rig.tool.lines() == []
    assert rig.task(run.task_id)["reason"] == (
        "It did not run. It was interrupted too long ago to run under its old approval: ask again."
    )


async def test_an_interrupted_effect_on_a_changed_target_does_not_run(rig: Any) -> None:
    run = rig.approved()
    rig.gate().begin(run)
    rig.tool.changed = "The target changed."
    assert await rig.runner().execute(run) == "cancelled"
    assert rig.tool.lines() == []
    assert rig.state(run) == ("stopped", "cancelled")


async def test_a_stop_that_was_asked_before_the_crash_holds_after_it(rig: Any) -> None:
    run = rig.approved("note.set")
    rig.gate().begin(run)
    with rig.database.tx() as connection:
        rig.ledger.ask_stop(connection, run.task_id, "Stopped by operator:root.")
    assert await rig.runner().execute(run) == "cancelled"
    assert rig.tool.lines() == []
    assert rig.task(run.task_id)["reason"] == "It did not run. Stopped by operator:root."


async def test_a_stop_ends_what_runs(rig: Any) -> None:
    run = rig.approved("note.wait")
    runner = rig.runner()
    written = asyncio.Event()
    rig.tool.step = lambda stage: written.set() if stage == "after" else None
    life = asyncio.ensure_future(runner.execute(run))
    await asyncio.wait_for(written.wait(), 60)
    runner.stop(run.task_id, "Stopped by operator:root.")
    assert await asyncio.wait_for(life, 60) == "cancelled"
    assert rig.state(run) == ("stopped", "cancelled")
    assert rig.task(run.task_id)["reason"] == "Stopped by operator:root. What it had done until then stays."


async def test_a_stop_between_gate_and_act_runs_nothing(rig: Any) -> None:
    run = rig.approved()
    runner = rig.runner()
    runner.stop(run.task_id, "Stopped by operator:root.")
    assert await runner.execute(run) == "cancelled"
    assert rig.tool.lines() == []


async def test_a_run_cancelled_from_outside_stops_its_tool_and_says_so(rig: Any) -> None:
    run = rig.approved("note.wait")
    written = asyncio.Event()
    rig.tool.step = lambda stage: written.set() if stage == "after" else None
    life = asyncio.ensure_future(rig.runner().execute(run))
    await asyncio.wait_for(written.wait(), 60)
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life
    assert rig.state(run) == ("stopped", "cancelled")
    assert rig.task(run.task_id)["reason"].startswith("The backend was stopped.")


@pytest.mark.parametrize(
    ("kind", "wrote", "ending"),
    [
        ("note.append", True, ("done", "done")),
        ("note.append", False, ("failed", "failed")),
        ("note.blind", True, ("unsure", "unknown")),
        ("note.blind", False, ("unsure", "unknown")),
        ("note.set", False, ("failed", "failed")),
    ],
)
async def test_a_tool_that_raises_is_probed(rig: Any, kind: str, wrote: bool, ending: tuple[str, str]) -> None:
    run = rig.approved(kind)
    tool = rig.use(Lossy)
    tool.wrote = wrote
    await rig.runner().execute(run)
    assert rig.state(run) == ending
    assert len(tool.lines()) == wrote


async def test_a_tool_that_says_no_is_a_failure_with_its_words(rig: Any) -> None:
    rig.use(Unwilling)
    run = rig.approved()
    assert await rig.runner().execute(run) == "failed"
    assert rig.task(run.task_id)["reason"] == "It failed: exit code 3"
    assert rig.task(run.task_id)["result"] == "exit code 3\nmore"


async def test_a_kind_without_a_tool_does_not_run(rig: Any) -> None:
    run = rig.approved()
    rig.registry = Registry()
    assert await rig.runner().execute(run) == "refused"
    assert "No tool here runs the action kind 'note.append'" in rig.task(run.task_id)["reason"]
