"""The tables of loops: what was asked, each pass, and what a person said meanwhile."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, PrimaryKeyConstraint, Table, Text

from aistack_backend.store.tables import Key, metadata

loop = Table(
    "loop",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), primary_key=True, autoincrement=False),
    Column("request", Text, nullable=False),  # canonical JSON of LoopRequest
    Column("folder", Text, nullable=False),
    Column("base", Text, nullable=False),  # the commit of what was copied
    Column("base_tree", Text, nullable=False),
    Column("began_at", Float, nullable=False),
)

loop_pass = Table(
    "loop_pass",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("began_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("agent_code", Integer),
    Column("agent_output", Text, nullable=False, default=""),
    Column("restored", Text, nullable=False, default="[]"),  # JSON
    Column("commit", Text, nullable=False, default=""),
    Column("tree", Text, nullable=False, default=""),
    Column("changed", Text, nullable=False, default=""),
    Column("proof_code", Integer),
    Column("proof_output", Text, nullable=False, default=""),
    Column("guidance", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    PrimaryKeyConstraint("task_id", "number"),
)

loop_guidance = Table(
    "loop_guidance",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("task_id", Key, ForeignKey("task.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("used", Integer),  # the number of the pass that got it
    sqlite_autoincrement=True,
)
