"""What an agreement of answers is worth: the raw number of each question, and the maps fitted to judgements."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata
from aistack_backend.store.telemetry_tables import Moment

measure = Table(
    "routing_measure",
    metadata,
    Column("interaction_id", Key, ForeignKey("telemetry.id"), primary_key=True, autoincrement=False),
    Column("raw", Float, nullable=False),  # the agreement, 0 to 1
    Column("judgements", Integer, nullable=False),  # that its confidence was calibrated with; 0 = it is the raw number
)

calibration = Table(
    "routing_calibration",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("model", Text, nullable=False, default=""),  # empty = all
    Column("task_class", Text, nullable=False, default=""),  # empty = all
    Column("judgements", Integer, nullable=False),  # it was fitted to
    Column("held_out", Integer, nullable=False),  # judgements it was tried on
    Column("knots", Text, nullable=False),  # JSON: pairs of raw number and share that was right
    Column("before", Float),  # expected calibration error of the raw numbers on those held out
    Column("after", Float),  # of the calibrated ones
    Column("there", Integer, nullable=False),  # all judged answers when it was fitted
    Column("newest", Moment),  # of their judgements
    sqlite_autoincrement=True,
)
