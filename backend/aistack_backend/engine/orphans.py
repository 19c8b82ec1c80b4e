"""Tasks that nobody works on: their workflow is over for DBOS, or is of another contract, and the task does not say so.

This is how an action that kills its process again and again ends: DBOS gives it up after ``flows.MAX_RECOVERY``
recoveries, and here its task is told that it is poisoned. An execution of another contract (``APP_VERSION``) is never
run here; its task says what it waits for, and a person can stop it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import select

from aistack_backend.clock import Clock
from aistack_backend.engine import endings, taskrow
from aistack_backend.engine.enqueue import APP_VERSION, Queue, workflow_id
from aistack_backend.engine.gate import Gate, Run
from aistack_backend.errors import Conflict
from aistack_backend.store.database import Database
from aistack_backend.store.mark_tables import effect_mark
from aistack_backend.store.tables import approval, effect, task
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)

ALIVE = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
"""DBOS's words for a workflow that will still run."""
GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
POISONED = "it is poisoned, each process that ran it died of it"


@dataclass(frozen=True, slots=True)
class OpenRun:
    """An execution whose task has not ended."""

    run: Run
    begun: bool
    stop: str
    """Why it is to stop; empty = it is not."""
    reason: str
    """What its task says."""


class Orphans:
    """Finds them and ends them honestly. Blocks on SQL: call it from a thread."""

    def __init__(self, database: Database, queue: Queue, gate: Gate, clock: Clock) -> None:
        self._clock = clock
        self._database = database
        self._queue = queue
        self._gate = gate

    def settle(self) -> list[int]:
        """End every orphan and return their task ids.

        Raises:
            Unavailable: the database or the audit cannot be written.
        """
        runs = self._open_runs()
        if not runs:
            return []
        found = self._found(list(runs))
        settled = []
        for flow, one in runs.items():
            status, version = found.get(flow, ("gone", APP_VERSION))
            if status not in ALIVE:
                log.warning("task %s has no workflow that works on it (%s is %s)", one.run.task_id, flow, status)
                why = POISONED if status == GIVEN_UP else f"its execution is {status}"
            elif version == APP_VERSION or not self._strands(one, version):
                continue
            else:
                why = f"it belongs to contract {version} and was stopped"
            self._end(one, why)
            settled.append(one.run.task_id)
        return settled

    def _strands(self, one: OpenRun, version: str) -> bool:
        """Say on its task that it waits for another contract; True when a person has asked for its end."""
        told = (
            f"It waits for a process of contract {version}; this backend has contract {APP_VERSION} and does not run "
            "it. Start that version again, or stop this task and ask anew."
        )
        if one.stop:
            return True
        if one.reason != told:
            log.warning("task %s is of contract %s, not %s", one.run.task_id, version, APP_VERSION)
            with self._database.tx() as connection:
                state = TaskState(taskrow.read(connection, one.run.task_id)["state"])
                taskrow.move(connection, self._clock, one.run.task_id, state, told)
        return False

    def _open_runs(self) -> dict[str, OpenRun]:
        handed_out = approval.c.state.in_([ApprovalState.APPROVED, ApprovalState.USED])
        open_task = task.c.state.in_([TaskState.QUEUED, TaskState.RUNNING])
        query = (
            select(
                approval.c.task_id,
                approval.c.id,
                approval.c.revision,
                effect.c.state,
                effect.c.outcome,
                effect_mark.c.resumes,
                task.c.reason,
            )
            .join(task, task.c.id == approval.c.task_id)
            .outerjoin(effect, effect.c.approval_id == approval.c.id)
            .outerjoin(effect_mark, effect_mark.c.key == effect.c.key)
            .where(open_task & handed_out)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {
            workflow_id(row.task_id, row.id, row.revision, row.resumes or 0): OpenRun(
                Run(row.task_id, row.id, row.revision), row.state == "begun", row.outcome or "", row.reason
            )
            for row in rows
            if row.state in (None, "begun")
        }

    def _found(self, flows: list[str]) -> dict[str, tuple[str, str]]:
        """Return status and contract of each workflow that there is."""
        found = self._queue.prepare().list_workflows(workflow_ids=flows, load_input=False, load_output=False)
        return {flow.workflow_id: (flow.status, flow.app_version or APP_VERSION) for flow in found}

    def _end(self, one: OpenRun, why: str) -> None:
        failed = endings.never(TaskState.FAILED, f"It did not run: {why}.")
        try:
            self._gate.end(one.run, None, endings.unsure(why) if one.begun else failed)
        except Conflict:
            log.info("task %s ended by itself meanwhile", one.run.task_id)
