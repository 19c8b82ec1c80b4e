"""The tables of workflow runs: what was asked, and how far each step is. The task of a run has the same number."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, PrimaryKeyConstraint, Table, Text

from aistack_backend.store.tables import Key, metadata

flow_run = Table(
    "flow_run",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), primary_key=True, autoincrement=False),
    Column("workflow", Text, nullable=False),
    Column("source", Text, nullable=False),  # the file's text as it was: a change of the file changes no run
    Column("inputs", Text, nullable=False),  # JSON
    Column("engines", Text, nullable=False),  # JSON
    Column("outputs", Text, nullable=False, default="{}"),  # JSON
    Column("depth", Integer, nullable=False, default=0),  # how many workflows called one another to come here
    Column("rerun_of", Key, ForeignKey("task.id")),
    Column("from_step", Text, nullable=False, default=""),
)

flow_step = Table(
    "flow_step",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("place", Integer, nullable=False),  # in the file
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False, default=0),  # tasks asked for it: one more when an approval went stale
    Column("child_id", Key, ForeignKey("task.id")),
    Column("began_at", Float),
    Column("ended_at", Float),
    Column("result", Text, nullable=False, default="{}"),  # JSON
    Column("why", Text, nullable=False, default=""),
    Column("kept_from", Key),  # the run whose result this is
    PrimaryKeyConstraint("task_id", "step"),
)
