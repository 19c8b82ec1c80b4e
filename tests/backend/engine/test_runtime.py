"""The engine with real DBOS on SQLite and on PostgreSQL: decide and run, before and after a launch, stop, restart."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from sqlalchemy import text

from aistack_backend.engine import flows
from aistack_backend.engine.enqueue import Queue, workflow_id
from aistack_backend.engine.orphans import GIVEN_UP, Orphans
from aistack_backend.engine.runtime import Engine
from aistack_backend.errors import AlreadyDecided, BackendError, Conflict, Unavailable
from aistack_backend.wire.actions import Verdict
from aistack_backend.wire.tasks import TaskState

UP = 30.0


def launch(rig: Any) -> None:
    rig.engine.start()
    assert rig.engine.wait_running(UP), rig.engine.failure


def workflows(rig: Any) -> list[tuple[str, str, str]]:
    query = text(
        f"SELECT workflow_uuid, status, application_version FROM {rig.dbos('workflow_status')} ORDER BY created_at"
    )
    with rig.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_decided_while_it_runs_is_executed_once(rig: Any) -> None:
    launch(rig)
    runs = [rig.approved(kind) for kind in ("note.append", "note.blind", "note.set", "note.append")]
    for run in runs:
        rig.wait_state(run.task_id, TaskState.DONE)
    assert {rig.state(run) for run in runs} == {("done", "done")}
    assert rig.audit.verify().ok


def test_decided_with_no_engine_runs_when_one_starts(rig: Any) -> None:
    rig.engine.claim()
    run = rig.approved()
    assert workflows(rig) == [(workflow_id(run.task_id, run.approval_id, run.revision), "ENQUEUED", "1")]
    assert rig.tool.lines() == []
    launch(rig)
    rig.wait_state(run.task_id, TaskState.DONE)
    assert len(rig.tool.lines()) == 1


def test_a_denial_and_a_rolled_back_decision_leave_no_workflow(rig: Any) -> None:
    rig.decide(rig.ask(), Verdict.DENY)
    asked = rig.ask()

    def interrupted() -> None:
        with rig.database.tx() as connection:
            rig.engine.enqueue(connection, asked.task_id, asked.id, asked.revision)
            raise Conflict("changed my mind")

    with pytest.raises(Conflict):
        interrupted()
    assert workflows(rig) == []


def test_enqueued_twice_is_one_workflow(rig: Any) -> None:
    run = rig.approved()
    with rig.database.tx() as connection:
        rig.engine.enqueue(connection, run.task_id, run.approval_id, run.revision)
    assert len(workflows(rig)) == 1
    launch(rig)
    rig.wait_state(run.task_id, TaskState.STOPPED, TaskState.DONE)


def test_two_deciders_have_one_winner_and_one_run(rig: Any) -> None:
    launch(rig)
    for verdicts in ((Verdict.APPROVE, Verdict.DENY), (Verdict.APPROVE, Verdict.APPROVE)) * 5:
        asked = rig.ask()
        results: list[object] = []
        gate = threading.Barrier(2)

        def decide(verdict: Verdict, asked: Any = asked, results: list[object] = results) -> None:
            gate.wait()  # noqa: B023
            try:
                results.append(rig.decide(asked, verdict).state)
            except BackendError as error:
                results.append(error)

        threads = [threading.Thread(target=decide, args=(verdict,)) for verdict in verdicts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lost = [result for result in results if isinstance(result, AlreadyDecided)]
        assert len(lost) == 1
        assert lost[0].winner == "operator:root"
        rig.wait_state(asked.task_id, TaskState.DONE, TaskState.QUEUED)
        if len(set(verdicts)) == 1:
            rig.wait_state(asked.task_id, TaskState.DONE)
    keys = [line.partition("\t")[0] for line in rig.tool.lines()]
    assert len(keys) == len(set(keys))


def test_a_stop_reaches_a_running_effect(rig: Any) -> None:
    launch(rig)
    run = rig.approved("note.wait")
    rig.wait_state(run.task_id, TaskState.RUNNING)
    rig.engine.cancel(run.task_id, "Stopped by operator:root.")
    rig.wait_state(run.task_id, TaskState.STOPPED)
    assert rig.state(run) == ("stopped", "cancelled")


def test_a_shutdown_stops_what_runs_and_a_restart_does_not_repeat_it(rig: Any) -> None:
    launch(rig)
    waiting = rig.approved("note.wait")
    rig.wait_state(waiting.task_id, TaskState.RUNNING)
    rig.engine.stop(grace=0.1)
    assert rig.state(waiting) == ("stopped", "cancelled")
    assert "The backend was stopped." in rig.task(waiting.task_id)["reason"]
    again(rig)
    run = rig.approved()
    rig.wait_state(run.task_id, TaskState.DONE)
    assert len(rig.tool.lines()) == 2


def test_after_a_restart_approved_and_unused_is_stale(rig: Any) -> None:
    rig.engine.claim()
    run = rig.approved()
    rig.engine.stop()
    again(rig)
    rig.wait_state(run.task_id, TaskState.STOPPED)
    assert rig.tool.lines() == []


def again(rig: Any) -> None:
    """Start the next life on the same folder."""
    rig.engine = Engine(rig.database, rig.registry, rig.approvals, rig.audit, rig.clock, rig.folder, rig.bus, poll=0.02)
    rig.engine.on_done.append(rig._note)
    rig.approvals.enqueue = rig.engine
    launch(rig)


def test_a_second_engine_is_refused_before_it_touches_anything(rig: Any) -> None:
    rig.engine.claim()
    run = rig.approved()
    second = Engine(rig.database, rig.registry, rig.approvals, rig.audit, rig.clock, rig.folder, rig.bus)
    with pytest.raises(Conflict, match=r"Another backend \(pid \d+\) already works on"):
        second.start()
    assert rig.task(run.task_id)["state"] == TaskState.QUEUED
    assert not second.running


def test_in_a_new_folder_a_decision_before_the_queue_exists_is_refused_and_stays_open(rig: Any, tmp_path: Any) -> None:
    fresh = type(rig)(tmp_path / "fresh")
    try:
        asked = fresh.ask()
        with pytest.raises(Unavailable, match="being set up for the first time"):
            fresh.decide(asked)
        assert fresh.approvals.get(asked.id).state == "pending"
        fresh.engine.prepare()
        assert fresh.decide(asked).state == "approved"
    finally:
        fresh.close()


def test_the_names_in_the_database_are_a_contract(rig: Any) -> None:
    """Renaming any of these strands what lies in people's databases: add DBOS.patch() instead."""
    launch(rig)
    run = rig.approved()
    flow_id = workflow_id(run.task_id, run.approval_id, run.revision)
    queue = Queue(rig.database)
    client = queue.prepare()
    assert client.retrieve_workflow(flow_id).get_result() == "done"
    (flow,) = client.list_workflows(workflow_ids=[flow_id])
    (step,) = client.list_workflow_steps(flow_id)
    queue.close()
    assert flow_id == "exec:1:1:a1"
    assert (flow.name, flow.queue_name, flow.app_version, flow.application_name) == ("exec", "tasks", "1", "aistack")
    assert flow.input == {"args": (1, 1, 1), "kwargs": {}}
    assert (step["function_name"], step["output"]) == ("effect", "done")
    assert flows.MAX_RECOVERY == 5


def test_dbos_writes_to_our_log_and_never_to_the_terminal(rig: Any, capfd: pytest.CaptureFixture[str]) -> None:
    launch(rig)
    run = rig.approved()
    rig.wait_state(run.task_id, TaskState.DONE)
    rig.engine.stop()
    handlers = logging.getLogger("dbos").handlers
    assert all(isinstance(handler, logging.NullHandler) for handler in handlers)
    assert capfd.readouterr() == ("", "")


def test_an_engine_that_cannot_start_says_why(rig: Any) -> None:
    with rig.database.tx() as connection:
        connection.execute(text(f"UPDATE {rig.dbos('dbos_migrations')} SET version = 1"))
    rig.engine = Engine(rig.database, rig.registry, rig.approvals, rig.audit, rig.clock, rig.folder, rig.bus)
    rig.engine.start()
    assert not rig.engine.wait_running(UP)
    assert rig.engine.failure.startswith("The engine cannot start: ")


def test_the_queue_can_be_prepared_twice(rig: Any) -> None:
    queue = Queue(rig.database)
    assert queue.prepare() is queue.prepare()
    queue.close()


@pytest.mark.parametrize(
    ("kind", "begun", "ending", "says"),
    [
        ("note.append", True, ("unsure", "unknown"), "It may have run"),
        ("note.append", False, ("failed", None), "It did not run: it is poisoned, "),
    ],
)
def test_an_execution_that_dbos_gave_up_ends_its_task(
    rig: Any, kind: str, begun: bool, ending: tuple[str, str | None], says: str
) -> None:
    rig.engine.claim()
    run = rig.approved(kind)
    if begun:
        rig.gate().begin(run)
    with rig.database.tx() as connection:
        connection.execute(text(f"UPDATE {rig.dbos('workflow_status')} SET status = '{GIVEN_UP}', queue_name = NULL"))
    launch(rig)
    assert rig.state(run) == ending
    assert rig.task(run.task_id)["reason"].startswith(says)
    assert rig.tool.lines() == []


def test_living_executions_are_no_orphans(rig: Any) -> None:
    rig.engine.claim()
    run = rig.approved()
    queue = Queue(rig.database)
    assert Orphans(rig.database, queue, rig.gate(), rig.clock).settle() == []
    queue.close()
    assert rig.task(run.task_id)["state"] == TaskState.QUEUED
