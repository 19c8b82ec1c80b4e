"""What was asked and how it went: one table, one schema, written by one place (``learning.telemetry``).

``timestamp`` is a moment with its zone on PostgreSQL, so that ``timestamp > NOW() - INTERVAL '1 hour'`` counts; on
SQLite it is the same moment as text, in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, Float, Index, Integer, Table, Text
from sqlalchemy.types import TypeDecorator

from aistack_backend.store.tables import Key, metadata


class Moment(TypeDecorator[float]):
    """Epoch seconds here, a timestamp with its zone in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC; SQLite keeps no zone."""
        if value is None:
            return None
        moment = datetime.fromtimestamp(value, UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        """Return epoch seconds."""
        if value is None:
            return None
        return float((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


telemetry = Table(
    "telemetry",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("timestamp", Moment, nullable=False),
    Column("source", Text, nullable=False),  # who wrote it: coordinator, task, chat
    Column("event", Text, nullable=False),  # routed, ended
    Column("subject", Text, nullable=False, default=""),  # what it belongs to: task:12, session:…
    Column("session", Text, nullable=False, default=""),
    Column("query", Text, nullable=False, default=""),  # without its secrets
    Column("answer", Text, nullable=False, default=""),  # without its secrets
    Column("task_class", Text, nullable=False, default=""),
    Column("route", Text, nullable=False, default=""),  # cache, local, remote, none
    Column("provider", Text, nullable=False, default=""),
    Column("model", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("confidence", Float),
    Column("latency", Float),  # seconds
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("cost", Text),  # an exact decimal number
    Column("currency", Text, nullable=False, default=""),
    Column("sources", Text, nullable=False, default="[]"),  # JSON: what was read for it
    Column("patterns", Text, nullable=False, default="[]"),  # JSON: ids of the patterns that had a hand in it
    Column("ok", Integer),  # 1 or 0; NULL = it has not ended
    Column("detail", Text, nullable=False, default=""),  # why it failed
    Column("verdict", Text),  # good, bad, corrected; NULL = nobody judged it
    Column("correction", Text, nullable=False, default=""),  # the answer as it should have been
    Column("judged_by", Text, nullable=False, default=""),
    Column("judged_at", Moment),
    Column("consent", Integer, nullable=False, default=0),  # 1 = may be trained on
    Column("trace_id", Text, nullable=False, default=""),
    Index("telemetry_timestamp", "timestamp"),
    Index("telemetry_session", "session"),
    sqlite_autoincrement=True,
)
