"""The table of what is known of an effect while it goes on: when it last was, and whether it is to pause."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table, Text

from aistack_backend.store.tables import metadata

effect_mark = Table(
    "effect_mark",
    metadata,
    Column("key", Text, primary_key=True),  # of the effect
    Column("at", Float, nullable=False),
    Column("mono", Float, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pausing", Text, nullable=False, default=""),  # why it is to pause; empty = it is not
    Column("resumes", Integer, nullable=False, default=0),  # how often it was taken up again
)
