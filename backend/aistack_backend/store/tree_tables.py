"""The table that says which task started which: a workflow's steps, a loop's wishes. A task without a row is a root."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text, UniqueConstraint

from aistack_backend.store.tables import Key, metadata

task_parent = Table(
    "task_parent",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), primary_key=True, autoincrement=False),
    Column("parent_id", Key, ForeignKey("task.id"), nullable=False),
    Column("node", Text, nullable=False),  # the name of the step; one task a step
    UniqueConstraint("parent_id", "node"),
)
