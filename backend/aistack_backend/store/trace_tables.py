"""Spans that ended, and the span below which a task's own belong: that outlives a restart and the durable queue."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata

span = Table(
    "span",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("trace_id", Text, nullable=False),  # 32 hex digits
    Column("span_id", Text, nullable=False),  # 16 hex digits
    Column("parent_id", Text, nullable=False, default=""),  # "" = nobody is above it
    Column("service", Text, nullable=False),  # which process
    Column("name", Text, nullable=False),
    Column("start", Float, nullable=False),  # epoch seconds
    Column("seconds", Float, nullable=False),
    Column("failed", Integer, nullable=False, default=0),  # 1 = it failed
    Column("detail", Text, nullable=False, default=""),  # how it failed, in a word
    Column("attributes", Text, nullable=False, default="{}"),  # JSON: numbers and names; "@links" = its links
    Index("span_trace", "trace_id"),
    sqlite_autoincrement=True,
)

task_trace = Table(
    "task_trace",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), primary_key=True, autoincrement=False),
    Column("trace_id", Text, nullable=False),
    Column("span_id", Text, nullable=False),
    Index("task_trace_trace", "trace_id"),
)
