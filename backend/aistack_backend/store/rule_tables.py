"""The table of allow rules that a person made from the dialog. A row is never changed but to count and to revoke."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata

allow_rule = Table(
    "allow_rule",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("approval_id", Key, ForeignKey("approval.id"), nullable=False),  # the request that it was made from
    Column("kind", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("pattern", Text, nullable=False),  # canonical JSON: refs of the targets, or words of each part of a script
    Column("task_id", Key),  # only in this task; empty: in any
    Column("made_at", Float, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_uid", Integer, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("ends_mono", Float, nullable=False),
    Column("used", Integer, nullable=False, default=0),
    Column("revoked_at", Float),
    Column("revoked_by", Text, nullable=False, default=""),
    sqlite_autoincrement=True,
)
