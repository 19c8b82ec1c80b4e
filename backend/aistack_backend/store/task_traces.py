"""Which trace a task belongs to: written in the transaction that makes the task, read by whoever works on it."""

from __future__ import annotations

from opentelemetry.context import Context
from sqlalchemy import Connection, insert, select

from aistack_backend import tracing
from aistack_backend.errors import Unavailable
from aistack_backend.store.database import Database
from aistack_backend.store.trace_tables import task_trace


def bind(connection: Connection, task_id: int) -> None:
    """Write down that a new task's spans belong below the current one; nothing when nothing is recorded."""
    if ids := tracing.current():
        connection.execute(insert(task_trace).values(task_id=task_id, trace_id=ids[0], span_id=ids[1]))


def of(connection: Connection, task_id: int) -> Context | None:
    """Return the context of a task's spans; None when nobody recorded how it was asked."""
    query = select(task_trace.c.trace_id, task_trace.c.span_id).where(task_trace.c.task_id == task_id)
    found = connection.execute(query).first()
    return tracing.below((found.trace_id, found.span_id) if found else None)


def look(database: Database, task_id: int) -> Context | None:
    """Return the same in a transaction of its own; None also when the database cannot be read now. Blocks."""
    if not tracing.on():
        return None
    try:
        with database.read() as connection:
            return of(connection, task_id)
    except Unavailable:
        return None
