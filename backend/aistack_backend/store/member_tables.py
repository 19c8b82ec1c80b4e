"""The table of the processes that share a database: each says once a second who it is and what its clock says."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table, Text

from aistack_backend.store.tables import metadata

engine_member = Table(
    "engine_member",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),  # backend, worker
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("kinds", Text, nullable=False),  # what it runs of what runs anywhere, with spaces between
    Column("contract", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("mono", Float, nullable=False),
    Column("at", Float, nullable=False),
)
