"""Tasks that nobody works on any more: their workflow is over for DBOS, and the task does not know it.

This is how an action that kills the backend again and again ends: DBOS gives it up after ``flows.MAX_RECOVERY``
recoveries, and here its task is told.
"""

from __future__ import annotations

import logging

from sqlalchemy import select

from aistack_backend.engine import endings
from aistack_backend.engine.enqueue import Queue, workflow_id
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


class Orphans:
    """Finds them and ends them honestly. Blocks on SQL: call it from a thread."""

    def __init__(self, database: Database, queue: Queue, gate: Gate) -> None:
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
        alive = self._alive(list(runs))
        settled = []
        for flow, (run, begun) in runs.items():
            status = alive.get(flow, "gone")
            if status in ALIVE:
                continue
            log.warning("task %s has no workflow that works on it (%s is %s)", run.task_id, flow, status)
            self._end(run, begun, status)
            settled.append(run.task_id)
        return settled

    def _open_runs(self) -> dict[str, tuple[Run, bool]]:
        handed_out = approval.c.state.in_([ApprovalState.APPROVED, ApprovalState.USED])
        open_task = task.c.state.in_([TaskState.QUEUED, TaskState.RUNNING])
        query = (
            select(approval.c.task_id, approval.c.id, approval.c.revision, effect.c.state, effect_mark.c.resumes)
            .join(task, task.c.id == approval.c.task_id)
            .outerjoin(effect, effect.c.approval_id == approval.c.id)
            .outerjoin(effect_mark, effect_mark.c.key == effect.c.key)
            .where(open_task & handed_out)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {
            workflow_id(row.task_id, row.id, row.revision, row.resumes or 0): (
                Run(row.task_id, row.id, row.revision),
                row.state == "begun",
            )
            for row in rows
            if row.state in (None, "begun")
        }

    def _alive(self, flows: list[str]) -> dict[str, str]:
        found = self._queue.prepare().list_workflows(workflow_ids=flows, load_input=False, load_output=False)
        return {flow.workflow_id: flow.status for flow in found}

    def _end(self, run: Run, begun: bool, status: str) -> None:
        why = "the backend died each time it tried" if status == GIVEN_UP else f"its execution is {status}"
        failed = endings.never(TaskState.FAILED, f"It did not run: {why}.")
        try:
            self._gate.end(run, None, endings.unsure(why) if begun else failed)
        except Conflict:
            log.info("task %s ended by itself meanwhile", run.task_id)
