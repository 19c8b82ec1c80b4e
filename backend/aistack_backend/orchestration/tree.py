"""Which task started which: written in the transaction that makes the child, so that a step never has two tasks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from aistack_backend.engine.taskrow import FINAL
from aistack_backend.errors import Conflict
from aistack_backend.store.tables import task
from aistack_backend.store.tree_tables import task_parent


@dataclass(frozen=True, slots=True)
class Under:
    """The place of a task below another one."""

    parent_id: int
    node: str
    """The step's name, with what makes it unique below its parent, e.g. ``deploy`` or ``deploy/2``."""


def link(connection: Connection, task_id: int, under: Under | None) -> None:
    """Write that ``task_id`` is the task of that node; nothing for no node.

    Raises:
        IntegrityError: the node has a task already, or there is no such parent.
    """
    if under is not None:
        connection.execute(insert(task_parent).values(task_id=task_id, parent_id=under.parent_id, node=under.node))


def taken(connection: Connection, under: Under | None) -> int | None:
    """Return the task that a node has already; None when one may begin there, or for no node.

    Raises:
        Conflict: the task above has ended or was stopped: nothing begins below it.
    """
    if under is None:
        return None
    if there := child(connection, under):
        return there
    state = connection.execute(select(task.c.state).where(task.c.id == under.parent_id)).scalar()
    if state in FINAL:
        raise Conflict(f"Task {under.parent_id} is {state} already: nothing begins below it.")
    return None


def child(connection: Connection, under: Under) -> int | None:
    """Return the task of a node, None when none was made."""
    same = (task_parent.c.parent_id == under.parent_id) & (task_parent.c.node == under.node)
    found = connection.execute(select(task_parent.c.task_id).where(same)).scalar()
    return None if found is None else int(found)


def children(connection: Connection, parent_id: int) -> dict[str, int]:
    """Return the tasks directly below one, by node, oldest first."""
    query = select(task_parent.c.node, task_parent.c.task_id).where(task_parent.c.parent_id == parent_id)
    return {row.node: int(row.task_id) for row in connection.execute(query.order_by(task_parent.c.task_id))}


def unfinished(connection: Connection, parent_id: int) -> list[int]:
    """Return the tasks directly below one that have not ended, oldest first."""
    below = select(task_parent.c.task_id).join(task, task.c.id == task_parent.c.task_id)
    still = (task_parent.c.parent_id == parent_id) & task.c.state.notin_(sorted(FINAL))
    return [int(found) for found in connection.execute(below.where(still).order_by(task.c.id)).scalars()]


def parents(connection: Connection) -> dict[int, Under]:
    """Return the place of every task that has one."""
    query = select(task_parent).join(task, task.c.id == task_parent.c.task_id).order_by(task_parent.c.task_id)
    return {int(row.task_id): Under(int(row.parent_id), row.node) for row in connection.execute(query)}
