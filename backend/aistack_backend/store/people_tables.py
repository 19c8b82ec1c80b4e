"""Tables of how people decide: the first of two who say yes, and where somebody went on after a pause."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata

first_yes = Table(
    "approval_first_yes",
    metadata,
    Column("approval_id", Key, ForeignKey("approval.id"), primary_key=True, autoincrement=False),
    Column("action_hash", Text, nullable=False),  # of what was seen
    Column("first_by", Text, nullable=False),
    Column("first_uid", Integer, nullable=False),
    Column("first_via", Text, nullable=False, default=""),
    Column("first_at", Float, nullable=False),
)

went_on = Table(
    "approval_went_on",
    metadata,
    Column("subject", Text, primary_key=True),  # a person's actor, or "task N" of a root task
    Column("at", Float, nullable=False),
    Column("by", Text, nullable=False),
)
