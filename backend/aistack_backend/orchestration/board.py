"""Tasks as rows and as what the operator reads: reading, and the states that follow an approval."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.errors import NotFound
from aistack_backend.store import task_traces
from aistack_backend.store.tables import approval, task
from aistack_backend.store.tree_tables import task_parent
from aistack_backend.wire.actions import Approval, ApprovalState
from aistack_backend.wire.tasks import Task, TaskList, TaskState

NEWEST = 200
"""Tasks in a list."""
FOLLOWS = {
    ApprovalState.PENDING: TaskState.AWAITING,
    ApprovalState.APPROVED: TaskState.QUEUED,
    ApprovalState.DENIED: TaskState.DENIED,
    ApprovalState.EXPIRED: TaskState.DENIED,
    ApprovalState.STALE: TaskState.STOPPED,
    ApprovalState.MISMATCH: TaskState.FAILED,
}
"""The state of a task after its approval changed. USED is the engine's to tell; SUPERSEDED has a successor."""


def create(
    connection: Connection, clock: Clock, *, goal: str, requester: str, via: str, state: TaskState, planner: str = ""
) -> int:
    """Insert a task and return its id; its spans belong below the one that is current now."""
    now = clock.now()
    values = {"goal": goal, "requester": requester, "via": via, "state": state, "planner": planner}
    made = insert(task).values(**values, created_at=now, updated_at=now).returning(task.c.id)
    task_id = int(connection.execute(made).scalar_one())
    task_traces.bind(connection, task_id)
    return task_id


def set_planner(connection: Connection, task_id: int, planner: str) -> None:
    """Write who proposed the task's action."""
    connection.execute(update(task).where(task.c.id == task_id).values(planner=planner))


def follow(connection: Connection, clock: Clock, changed: Approval, note: str = "") -> None:
    """Let a task follow its approval's new state; ``note`` explains a task that waits for its decision."""
    state = FOLLOWS.get(changed.state)
    if state is not None:
        reason = note if state is TaskState.AWAITING else because(changed)
        taskrow.move(connection, clock, changed.task_id, state, reason)


def because(changed: Approval) -> str:
    """Return one sentence on why a decided approval stands where it stands."""
    who = changed.decided_by or changed.rule
    said = f": {changed.reason}" if changed.reason else "."
    sentences = {
        ApprovalState.APPROVED: f"Approved by {who}.",
        ApprovalState.DENIED: f"Denied by {who}{said}",
        ApprovalState.EXPIRED: "Nobody decided in time, so it does not run.",
        ApprovalState.STALE: "It was approved and not started in time or before a restart, so it does not run.",
        ApprovalState.MISMATCH: f"It is no longer what was approved, so it did not run{said}",
    }
    return sentences.get(changed.state, "")


def newest(connection: Connection) -> TaskList:
    """Return the newest tasks, newest first."""
    rows = connection.execute(_query().order_by(task.c.id.desc()).limit(NEWEST)).mappings()
    return TaskList(tasks=tuple(_wire(row) for row in rows))


def one(connection: Connection, task_id: int) -> Task:
    """Return one task.

    Raises:
        NotFound: there is no such task.
    """
    row = connection.execute(_query().where(task.c.id == task_id)).mappings().first()
    if row is None:
        raise NotFound(f"There is no task {task_id}.", "tasks lists them.")
    return _wire(row)


def counts(connection: Connection) -> dict[TaskState, int]:
    """Return how many tasks there are of each state that occurs."""
    query = select(task.c.state, func.count()).group_by(task.c.state).order_by(task.c.state)
    return {TaskState(state): int(count) for state, count in connection.execute(query)}


def unfinished(connection: Connection) -> list[int]:
    """Return the tasks that have not ended, newest first: what a task started comes before it."""
    query = select(task.c.id).where(task.c.state.notin_(sorted(taskrow.FINAL))).order_by(task.c.id.desc())
    return [int(found) for found in connection.execute(query).scalars()]


def action_hash(connection: Connection, approval_id: int) -> str:
    """Return the action hash of an approval that exists."""
    return str(connection.execute(select(approval.c.action_hash).where(approval.c.id == approval_id)).scalar_one())


def planning(connection: Connection) -> list[RowMapping]:
    """Return the tasks whose planning was under way, oldest first."""
    query = select(task).where(task.c.state == TaskState.PLANNING).order_by(task.c.id)
    return list(connection.execute(query).mappings())


def _query() -> Select[Any]:
    last = approval.alias()
    newest_id = select(func.max(last.c.id)).where(last.c.task_id == task.c.id).correlate(task).scalar_subquery()
    joined = task.outerjoin(approval, approval.c.id == newest_id).outerjoin(
        task_parent, task_parent.c.task_id == task.c.id
    )
    wanted = (task, approval.c.id.label("approval_id"), approval.c.view, task_parent.c.parent_id)
    return select(*wanted).select_from(joined)


def _wire(row: RowMapping) -> Task:
    return Task(
        id=row["id"],
        goal=row["goal"],
        requester=row["requester"],
        via=row["via"],
        state=TaskState(row["state"]),
        reason=row["reason"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        approval_id=row["approval_id"],
        action_title=json.loads(row["view"]).get("title", "") if row["view"] else "",
        result=row["result"],
        planner=row["planner"],
        parent_id=row["parent_id"],
    )
