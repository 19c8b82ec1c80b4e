"""The table of what was had of endpoints elsewhere: one row a provider, a day in UTC and a currency."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Table, Text

from aistack_backend.store.tables import metadata

provider_day = Table(
    "provider_day",
    metadata,
    Column("provider", Text, nullable=False),
    Column("day", Text, nullable=False),  # YYYY-MM-DD
    Column("currency", Text, nullable=False),  # empty = without a price
    Column("answers", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("priced", Integer, nullable=False),
    Column("cost", Text),  # an exact decimal number; NULL = not known
    PrimaryKeyConstraint("provider", "day", "currency"),
)
