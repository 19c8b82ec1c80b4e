"""Found in review: what an interrupted or stopped run may still do, and what a half-made start may let through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.backend.engine.conftest import ROOT, Rig

from aistack_backend.approvals.action import hash_bytes
from aistack_backend.engine.gate import Run
from aistack_backend.engine.lease import Lease
from aistack_backend.engine.runtime import Engine
from aistack_backend.errors import Unavailable
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.memory import MemoryPreparer, MemoryShips
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.tables import approval, effect
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.tasks import TaskState

HOUR = 3_600.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A whole gate on files of its own."""
    rig = Rig(tmp_path)
    rig.engine.prepare()
    yield rig
    rig.close()


def begun_before(rig: Rig, run: Any, *, wall: float, steady: float) -> None:
    """Let ``run`` have begun so many seconds ago by the wall clock, and so many by the steady one."""
    with rig.database.tx() as connection:
        began = rig.clock.now() - wall
        connection.execute(update(effect).where(effect.c.key == run.key).values(begun_at=began))
        row = connection.execute(select(approval).where(approval.c.id == run.approval_id)).mappings().one()
        limit = row["start_before_mono"] - steady
        connection.execute(update(approval).where(approval.c.id == run.approval_id).values(start_before_mono=limit))


@pytest.mark.parametrize("kind", ["note.set", "note.append"])
@pytest.mark.parametrize(
    ("wall", "steady"),
    [(HOUR, HOUR), (-72 * HOUR, HOUR), (60.0, HOUR), (-HOUR, 0.0)],
    ids=["an hour ago", "the clock went back 3 days", "the clock went back almost as long", "from the future"],
)
async def test_no_old_interrupted_run_is_taken_up_again(rig: Rig, kind: str, wall: float, steady: float) -> None:
    run = rig.approved(kind)
    rig.gate().begin(run)
    begun_before(rig, run, wall=wall, steady=steady)
    assert await rig.runner().execute(run) == "cancelled"
    assert rig.tool.lines() == []
    assert "too long ago" in rig.task(run.task_id)["reason"]
    assert rig.audit.verify().ok


async def test_an_interrupted_run_of_an_earlier_boot_is_not_taken_up_again(rig: Rig) -> None:
    run = rig.approved("note.set")
    rig.gate().begin(run)
    with rig.database.tx() as connection:
        connection.execute(update(approval).values(decided_boot="the boot before"))
    assert await rig.runner().execute(run) == "cancelled"
    assert rig.tool.lines() == []


@pytest.mark.parametrize("kind", ["note.set", "note.append"])
async def test_an_interrupted_run_acts_only_on_what_its_intent_in_the_audit_names(rig: Rig, kind: str) -> None:
    run = rig.approved(kind)
    rig.gate().begin(run)
    with rig.database.tx() as connection:
        honest = rig.approvals.get(run.approval_id).payload.value
        other = honest.replace("hello", "hallo")
        values = {"action": other, "action_hash": hash_bytes(other.encode())}
        connection.execute(update(approval).where(approval.c.id == run.approval_id).values(**values))
    assert await rig.runner().execute(run) == "unknown"
    assert rig.tool.lines() == []


async def test_a_forged_beginning_runs_nothing_that_nobody_approved(rig: Rig) -> None:
    asked = rig.ask("note.set")
    run = Run(asked.task_id, asked.id, asked.revision)
    with rig.database.tx() as connection:
        limit = {"start_before_mono": rig.clock.mono() + 300, "decided_boot": rig.clock.boot_id()}
        connection.execute(update(approval).where(approval.c.id == asked.id).values(**limit))
        rig.ledger.begin(connection, run.key, task_id=run.task_id, approval_id=asked.id, kind="note.set")
    assert await rig.runner().execute(run) == "unknown"
    assert rig.tool.lines() == []


async def test_an_old_run_that_had_been_done_is_told_as_done(rig: Rig) -> None:
    run = rig.approved("note.set")
    start = rig.gate().begin(run)
    assert start.action is not None
    rig.tool.write(run.key, start.action)
    begun_before(rig, run, wall=HOUR, steady=HOUR)
    assert await rig.runner().execute(run) == "done"
    assert rig.state(run) == ("done", "done")


def test_a_stop_stops_even_when_its_witness_fails_after_the_commit(rig: Rig) -> None:
    tasks = Tasks(
        rig.database,
        rig.approvals,
        rig.audit,
        rig.engine,
        MemoryPreparer(MemoryShips()),
        Agent(rig.registry, MemoryShips()),
        rig.clock,
        rig.bus,
    )
    acting = threading.Event()
    rig.tool.step = lambda stage: acting.set() if stage == "after" else None
    rig.engine.start()
    assert rig.engine.wait_running(30), rig.engine.failure
    run = rig.approved("note.wait")
    assert acting.wait(20)
    rig.disk.full.set()
    with pytest.raises(Unavailable):
        tasks.stop(run.task_id, ROOT)
    rig.disk.full.clear()
    rig.wait_state(run.task_id, TaskState.STOPPED)
    assert rig.state(run) == ("stopped", "cancelled")
    assert rig.audit.verify().ok


def test_a_start_that_could_not_make_things_stale_is_no_start(rig: Rig) -> None:
    run = rig.approved()
    rig.disk.full.set()
    with pytest.raises(Unavailable):
        rig.audit.note(phase="note", actor="backend", kind="test.full")
    later = _engine(rig)
    with pytest.raises(Unavailable):
        later.claim()
    rig.disk.full.clear()
    later.claim()
    assert rig.approvals.get(run.approval_id).state is ApprovalState.STALE
    later.stop(grace=0.1)
    lease = Lease(rig.folder)
    lease.acquire()
    lease.release()


def _engine(rig: Rig) -> Engine:
    return Engine(rig.database, rig.registry, rig.approvals, rig.audit, rig.clock, rig.folder, rig.bus, poll=0.02)
