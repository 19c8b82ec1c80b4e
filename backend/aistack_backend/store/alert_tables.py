"""The inbox of alarms."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Table, Text

from aistack_backend.store.tables import Key, metadata

alert = Table(
    "alert",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),  # aistack, prometheus
    Column("rule", Text, nullable=False),
    Column("labels", Text, nullable=False, default="{}"),  # canonical JSON
    Column("severity", Text, nullable=False),
    Column("summary", Text, nullable=False, default=""),
    Column("value", Float),
    Column("state", Text, nullable=False),  # firing, acknowledged, snoozed, silenced, resolved
    Column("since", Float, nullable=False),
    Column("fired_at", Float, nullable=False),
    Column("ended_at", Float),  # NULL = it is not over
    Column("by", Text, nullable=False, default=""),
    Column("by_at", Float),
    Column("until", Float),
    Column("unmeasured_since", Float),
    Index("alert_open", "ended_at"),
    sqlite_autoincrement=True,
)
