"""What ended long ago leaves the queue; what is a record stays; another contract's executions are named, never run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, text
from tests.backend.engine.conftest import Rig

from aistack_backend.engine import maintain
from aistack_backend.engine.enqueue import Queue
from aistack_backend.engine.maintain import Maintenance, Swept
from aistack_backend.engine.orphans import Orphans
from aistack_backend.engine.step_tool import StepTool
from aistack_backend.store.mark_tables import effect_mark
from aistack_backend.store.tables import approval, effect, event, task
from aistack_backend.wire.tasks import TaskState


@pytest.fixture
def queue(rig: Rig) -> Iterator[Queue]:
    queue = Queue(rig.database)
    yield queue
    queue.close()


def rows(rig: Rig, table: str) -> int:
    with rig.database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {rig.dbos(table)}")).scalar_one())


def kept(rig: Rig) -> list[int]:
    with rig.database.read() as connection:
        return [
            int(connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (task, approval, effect, event)
        ]


def test_the_queues_rows_of_what_ended_go_and_records_stay(
    rig: Rig, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintain, "BATCH", 3)
    monkeypatch.setattr(maintain, "BATCHES", 2)
    rig.registry.register(steps := StepTool(rig.folder / "steps"))
    rig.engine.start()
    over = [rig.approved() for _ in range(8)]
    long = rig.approved("note.steps", "2")
    for run in over:
        rig.wait_state(run.task_id, TaskState.DONE)
    rig.wait(lambda: len(steps.lines(long.key)) == 1)
    with rig.database.tx() as connection:
        for run in (*over, long):
            rig.engine.marks.going_on(connection, run.key)
    before, sweeper = kept(rig), Maintenance(rig.database, queue, rig.clock)
    rig.wait(lambda: rows(rig, "workflow_status") == 9 and _ended(rig) == 8)
    assert sweeper.sweep() == Swept(executions=0, marks=0), "it is not old enough"
    assert sweeper.sweep(kept=-60) == Swept(executions=6, marks=8), "no more than two batches at a time"
    assert sweeper.sweep(kept=-60) == Swept(executions=2, marks=0)
    assert rows(rig, "workflow_status") == 1
    assert rows(rig, "operation_outputs") == 0
    with rig.database.read() as connection:
        assert [row.key for row in connection.execute(effect_mark.select())] == [long.key]
    assert kept(rig) == before
    with rig.database.tx() as connection:  # asked for again, the ledger still knows that it is over
        rig.engine.enqueue(connection, over[0].task_id, over[0].approval_id, over[0].revision)
    rig.wait(lambda: _ended(rig) == 1)
    assert len(rig.tool.lines()) == 8
    steps.step(long.key)
    rig.wait_state(long.task_id, TaskState.DONE)


def _ended(rig: Rig) -> int:
    with rig.database.read() as connection:
        query = text(f"SELECT count(*) FROM {rig.dbos('workflow_status')} WHERE status = 'SUCCESS'")
        return int(connection.execute(query).scalar_one())


def test_an_execution_of_another_contract_is_named_and_never_run(rig: Rig, queue: Queue) -> None:
    rig.engine.claim()
    waiting, begun = rig.approved(), rig.approved()
    rig.gate().begin(begun)
    with rig.database.tx() as connection:
        connection.execute(text(f"UPDATE {rig.dbos('workflow_status')} SET application_version = '0'"))
    rig.engine.start()
    assert rig.engine.wait_running(30), rig.engine.failure
    for run, state in ((waiting, "queued"), (begun, "running")):
        row = rig.task(run.task_id)
        assert row["state"] == state
        assert row["reason"].startswith("It waits for a process of contract 0; this backend has contract 1 and does")
    assert rig.tool.lines() == []
    orphans = Orphans(rig.database, queue, rig.gate(), rig.clock)
    assert orphans.settle() == []
    with rig.database.tx() as connection:
        rig.ledger.ask_stop(connection, begun.task_id, "Stopped by operator:root.")
    assert orphans.settle() == [begun.task_id]
    assert rig.state(begun) == ("unsure", "unknown")
    assert "it belongs to contract 0 and was stopped" in rig.task(begun.task_id)["reason"]
    assert rig.tool.lines() == []
