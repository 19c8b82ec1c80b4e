"""The task row: the one place that changes a task's state."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select, update

from aistack_backend.clock import Clock
from aistack_backend.errors import NotFound
from aistack_backend.store.tables import task
from aistack_backend.wire.tasks import TaskState

FINAL = frozenset(
    {
        TaskState.DONE,
        TaskState.EXHAUSTED,
        TaskState.FAILED,
        TaskState.STOPPED,
        TaskState.DENIED,
        TaskState.UNSURE,
    }
)
"""States that a task never leaves."""


def read(connection: Connection, task_id: int) -> RowMapping:
    """Return the row, locked until the transaction ends where the database locks rows.

    Raises:
        NotFound: there is no such task.
    """
    row = connection.execute(select(task).where(task.c.id == task_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFound(f"There is no task {task_id}.")
    return row


def move(
    connection: Connection, clock: Clock, task_id: int, state: TaskState, reason: str = "", result: str | None = None
) -> bool:
    """Change state, reason and (when given) result of a task that is not final; False when it is final."""
    values: dict[str, object] = {"state": state, "reason": reason, "updated_at": clock.now()}
    if result is not None:
        values["result"] = result
    open_task = (task.c.id == task_id) & task.c.state.notin_(sorted(FINAL))
    return connection.execute(update(task).where(open_task).values(**values)).rowcount == 1
