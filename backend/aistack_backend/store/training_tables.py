"""Runs of training: one row a task, from its beginning on."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text

from aistack_backend.store.tables import Key, metadata

training = Table(
    "training",
    metadata,
    Column("task_id", Key, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("state", Text, nullable=False),  # running, kept, refused, failed
    Column("request", Text, nullable=False),  # wire.training.TrainRequest as JSON
    Column("dataset_sha256", Text, nullable=False),
    Column("model_sha256", Text, nullable=False),
    Column("stage", Text, nullable=False, default=""),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("name", Text, nullable=False, default=""),
    Column("adapter_sha256", Text, nullable=False, default=""),
    Column("target", Text, nullable=False, default=""),
    Column("figures", Text),  # wire.training.Figures as JSON; NULL = no verdict
    Column("verdict", Text, nullable=False, default=""),
    Column("approved_by", Text, nullable=False, default=""),
    Index("training_at", "at"),
)
