"""The tables of the model files: what a file's header and bytes said, and what was measured of each model."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata

model_file = Table(
    "model_file",
    metadata,
    Column("key", Text, primary_key=True),  # device, inode, size and change time: another file has another key
    Column("header", Text, nullable=False, default=""),  # JSON
    Column("sha256", Text, nullable=False, default=""),
    Column("at", Float, nullable=False),
)

model_measure = Table(
    "model_measure",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", Text, nullable=False),  # bench or answer
    Column("adapter", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("prompt_tokens", Integer),
    Column("tokens_per_second", Float),
    Column("first_token_after", Float),
    Column("load", Float),
    sqlite_autoincrement=True,
)

Index("model_measure_newest", model_measure.c.model, model_measure.c.id)
