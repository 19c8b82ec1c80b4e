"""A task is stopped in between, holds nothing meanwhile, and goes on where it was; also over kills and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.backend.engine.conftest import ROOT, Rig
from tests.bed.backend import wait_until

from aistack_backend.clock import Clock
from aistack_backend.engine.enqueue import WORKERS
from aistack_backend.engine.gate import RERUN_WITHIN, Run
from aistack_backend.engine.step_tool import StepTool
from aistack_backend.errors import Conflict, NotFound, Refused, Unavailable
from aistack_backend.orchestration.pausing import Pausing
from aistack_backend.store.mark_tables import effect_mark
from aistack_backend.store.tables import effect
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import TaskState

PAUSED, RUNNING, DONE, STOPPED = TaskState.PAUSED, TaskState.RUNNING, TaskState.DONE, TaskState.STOPPED


@pytest.fixture
def steps(rig: Rig) -> StepTool:
    tool = StepTool(rig.folder / "steps")
    rig.registry.register(tool)
    return tool


@pytest.fixture
def pausing(rig: Rig) -> Pausing:
    return Pausing(rig.database, rig.audit, rig.engine, rig.clock, lambda: None)


def reached(rig: Rig, steps: StepTool, run: Run, count: int) -> Callable[[], bool]:
    return lambda: len(steps.lines(run.key)) == count and rig.task(run.task_id)["state"] == RUNNING


def begun(rig: Rig, steps: StepTool, script: str = "3") -> Run:
    """Start the engine, and a run of three steps that stands after the first."""
    rig.engine.start()
    run = rig.approved("note.steps", script)
    wait_until(reached(rig, steps, run, 1), 20, "its first step was not taken")
    return run


def test_it_pauses_holds_no_slot_and_goes_on_where_it_was(rig: Rig, steps: StepTool, pausing: Pausing) -> None:
    run = begun(rig, steps)
    pausing.pause(run.task_id, ROOT)
    rig.wait_state(run.task_id, PAUSED)
    assert rig.state(run) == (PAUSED, "begun")
    assert rig.task(run.task_id)["reason"] == "Paused by operator:root."
    wait_until(lambda: rig.engine._runner.active == 0, 10, "a paused run still holds a slot")
    pausing.resume(run.task_id, ROOT)
    steps.step(run.key)
    steps.step(run.key)
    rig.wait_state(run.task_id, DONE)
    assert [line.partition("\t")[2] for line in steps.lines(run.key)] == ["1", "2", "3"]
    kinds = [one.kind for one in rig.audit.page(50).records if one.phase is Phase.DECISION]
    assert kinds[:2] == ["task.resume", "task.pause"]
    assert rig.audit.verify().ok


def test_it_can_be_paused_again_and_again(rig: Rig, steps: StepTool, pausing: Pausing) -> None:
    run = begun(rig, steps)
    for _ in range(3):
        pausing.pause(run.task_id, ROOT)
        rig.wait_state(run.task_id, PAUSED)
        pausing.resume(run.task_id, ROOT)
        rig.wait_state(run.task_id, RUNNING)
    steps.step(run.key)
    steps.step(run.key)
    rig.wait_state(run.task_id, DONE)
    assert len(steps.lines(run.key)) == 3


def test_what_goes_on_for_long_leaves_the_slots_that_short_work_needs(rig: Rig, steps: StepTool) -> None:
    rig.engine.start()
    long = [rig.approved("note.steps", "2") for _ in range(WORKERS + 1)]
    wait_until(lambda: sum(bool(steps.lines(run.key)) for run in long) == WORKERS, 20, "they did not begin")
    short = rig.approved()
    rig.wait_state(short.task_id, DONE)
    begun = [run for run in long if steps.lines(run.key)]
    assert len(begun) == WORKERS, "one more than there are slots has begun"
    for run in long:
        steps.step(run.key)
        rig.wait_state(run.task_id, DONE)


def test_what_cannot_be_paused_or_resumed(rig: Rig, steps: StepTool, pausing: Pausing) -> None:
    run = begun(rig, steps)
    with pytest.raises(Conflict, match="only a paused one"):
        pausing.resume(run.task_id, ROOT)
    other = rig.approved("note.wait")
    rig.wait_state(other.task_id, RUNNING)
    with pytest.raises(Refused, match=r"A note\.wait cannot stop in between"):
        pausing.pause(other.task_id, ROOT)
    rig.engine.cancel(other.task_id, "Enough.")
    asked = rig.ask()
    with pytest.raises(Conflict, match="only one that runs"):
        pausing.pause(asked.task_id, ROOT)
    with pytest.raises(NotFound):
        pausing.pause(999, ROOT)
    with pytest.raises(NotFound):
        pausing.resume(999, ROOT)


def test_a_pause_that_cannot_be_recorded_changes_nothing(rig: Rig, steps: StepTool, pausing: Pausing) -> None:
    run = begun(rig, steps)
    pausing.pause(run.task_id, ROOT)
    rig.wait_state(run.task_id, PAUSED)
    rig.disk.full.set()
    with pytest.raises(Unavailable):
        pausing.resume(run.task_id, ROOT)
    rig.disk.full.clear()
    assert len(steps.lines(run.key)) == 1


async def test_killed_while_it_was_to_pause_it_pauses_in_the_next_life(rig: Rig, steps: StepTool) -> None:
    run = rig.approved("note.steps", "3")
    rig.gate().begin(run)
    with rig.database.tx() as connection:
        rig.engine.marks.ask_pause(connection, run.key, "Paused by operator:root.")
    assert await rig.runner().execute(run) == "paused"
    assert rig.state(run) == (PAUSED, "begun")
    assert rig.task(run.task_id)["reason"] == "Paused by operator:root."


async def test_a_stop_wins_over_a_pause(rig: Rig, steps: StepTool) -> None:
    run = rig.approved("note.steps", "3")
    runner = rig.runner()
    going = asyncio.create_task(runner.execute(run))
    await asyncio.to_thread(wait_until, lambda: len(steps.lines(run.key)) == 1, 20, "its first step was not taken")
    runner._stops[run.task_id] = "Stopped by operator:root."
    runner.pause(run.task_id, "Paused.")
    assert await going == "cancelled"
    assert rig.state(run) == (STOPPED, "cancelled")


async def test_a_limit_is_neither_done_nor_failed(rig: Rig, steps: StepTool) -> None:
    run = rig.approved("note.steps", "1!")
    await rig.runner().execute(run)
    assert rig.state(run) == (TaskState.EXHAUSTED, "failed")
    assert rig.task(run.task_id)["reason"] == "1 steps"


def test_the_backend_that_stops_pauses_what_can_be_paused(rig: Rig, steps: StepTool) -> None:
    run = begun(rig, steps)
    rig.engine.stop(grace=0.0)
    assert rig.state(run) == (PAUSED, "begun")
    assert "Resume it" in rig.task(run.task_id)["reason"]


class Later(Clock):
    """A clock that stands some seconds after another one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.later = 0.0
        self.boot = clock.boot_id()

    def now(self) -> float:
        return self._clock.now() + self.later

    def mono(self) -> float:
        return self._clock.mono() + self.later

    def boot_id(self) -> str:
        return self.boot


@pytest.mark.parametrize(
    ("later", "boot", "goes_on"), [(10, "", True), (RERUN_WITHIN + 10, "", False), (10, "x", False)]
)
async def test_what_was_marked_lately_goes_on_and_nothing_else(
    tmp_path: Path, later: float, boot: str, *, goes_on: bool
) -> None:
    rig: Any = Rig(tmp_path)
    try:
        rig.engine.prepare()
        steps = StepTool(tmp_path / "steps")
        rig.registry.register(steps)
        run = rig.approved("note.steps", "1")
        rig.gate().begin(run)  # and the backend was killed
        with rig.database.tx() as connection:  # it began long ago, and was marked just now
            connection.execute(update(effect).where(effect.c.key == run.key).values(begun_at=1.0))
            rig.engine.marks.going_on(connection, run.key)
        rig.clock = Later(rig.clock)
        rig.clock.later, rig.clock.boot = later, boot or rig.clock.boot
        assert (await rig.runner().execute(run) == "done") is goes_on
        assert len(steps.lines(run.key)) == goes_on
    finally:
        rig.close()


def test_marks_are_one_row_an_effect(rig: Rig, steps: StepTool) -> None:
    marks = rig.engine.marks
    with rig.database.tx() as connection:
        assert marks.find(connection, "k") is None
        assert not marks.fresh(connection, "k", 10)
        marks.going_on(connection, "k")
        assert marks.fresh(connection, "k", 10)
        marks.ask_pause(connection, "k", "why")
        assert [marks.resume(connection, "k") for _ in range(2)] == [1, 2]
        rows = connection.execute(effect_mark.select()).all()
    assert [(row.key, row.pausing, row.resumes) for row in rows] == [("k", "", 2)]
