"""The table of what the agents of loops had of their models: one row a pass that asked one."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, PrimaryKeyConstraint, Table

from aistack_backend.store.tables import Key, metadata

loop_use = Table(
    "loop_use",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), nullable=False),
    Column("number", Integer, nullable=False),  # of the pass
    Column("answers", Integer, nullable=False),
    Column("read", BigInteger, nullable=False),  # tokens of the prompts
    Column("written", BigInteger, nullable=False),  # tokens of the answers
    Column("cost", BigInteger, nullable=False),  # millionths of a dollar
    PrimaryKeyConstraint("task_id", "number"),
)
