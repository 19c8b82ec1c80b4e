"""What left this machine for a question, and the operator's switches of the coordinator."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata

outbound = Table(
    "outbound",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),  # epoch seconds; written before anything is sent
    Column("ask", Text, nullable=False),  # one question on its way; ties rows to it before it has a number
    Column("interaction", Integer),  # its number in telemetry; NULL = it was not written down
    Column("provider", Text, nullable=False),
    Column("host", Text, nullable=False),  # host and port
    Column("path", Text, nullable=False),
    Column("size", Integer, nullable=False),  # bytes of the body
    Column("sha256", Text, nullable=False),  # of the exact body
    Column("body", Text, nullable=False),  # the body without its secrets
    Column("outcome", Text, nullable=False, default=""),  # empty = how it ended is not known
    Column("ended_at", Float),
    Index("outbound_interaction", "interaction"),
    Index("outbound_ask", "ask"),
    sqlite_autoincrement=True,
)
routing_switch = Table(
    "routing_switch",
    metadata,
    Column("name", Text, primary_key=True),  # local_only
    Column("value", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Float, nullable=False),
)
