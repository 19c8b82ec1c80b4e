"""What was learned: patterns with their teachers, uses and trials; runs; and the queue of samples for training.

Uses, wins and losses are never counted up: they follow from ``learning_use`` and the judgements in ``telemetry``.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from aistack_backend.store.tables import Key, metadata
from aistack_backend.store.telemetry_tables import Moment

pattern = Table(
    "learning_pattern",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # answer, route, prompt
    Column("key", Text, nullable=False),  # the question's words in order, or the class
    Column("question", Text, nullable=False),
    Column("task_class", Text, nullable=False, default=""),
    Column("says", Text, nullable=False),  # the answer, the route, or what the model is told
    Column("sources", Text, nullable=False, default="[]"),  # JSON: what was read for the answer
    Column("state", Text, nullable=False),  # candidate, active, quarantined, rolled back
    Column("reason", Text, nullable=False, default=""),  # why it is in this state
    Column("origin", Text, nullable=False, default=""),  # the installation that taught it; empty = this one
    Column("value", Float),  # the mean of its teachers'; NULL = of another installation
    Column("vector", LargeBinary),  # of the question, as in knowledge_chunk
    Column("model", Text, nullable=False, default=""),  # of the vector
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Index("learning_pattern_key", "kind", "key"),
    sqlite_autoincrement=True,
)

lesson = Table(
    "learning_lesson",
    metadata,
    Column("pattern_id", Key, ForeignKey("learning_pattern.id"), nullable=False),
    Column("interaction_id", Key, ForeignKey("telemetry.id"), nullable=False),
    PrimaryKeyConstraint("pattern_id", "interaction_id"),
)

use = Table(
    "learning_use",
    metadata,
    Column("pattern_id", Key, ForeignKey("learning_pattern.id"), nullable=False),
    Column("interaction_id", Key, ForeignKey("telemetry.id"), nullable=False),
    PrimaryKeyConstraint("pattern_id", "interaction_id"),
    Index("learning_use_interaction", "interaction_id"),
)

trial = Table(
    "learning_trial",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("pattern_id", Key, ForeignKey("learning_pattern.id"), nullable=False),
    Column("at", Float, nullable=False),
    Column("cases", Integer, nullable=False),  # held-out interactions that it speaks to
    Column("before", Integer, nullable=False),  # of them right without it
    Column("after", Integer, nullable=False),  # of them right with it
    Column("seconds_before", Float),  # median
    Column("seconds_after", Float),
    Column("cost_before", Text),  # exact decimal numbers, of all cases
    Column("cost_after", Text),
    Column("passed", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Index("learning_trial_pattern", "pattern_id"),
    sqlite_autoincrement=True,
)

value = Table(
    "learning_value",
    metadata,
    Column("interaction_id", Key, ForeignKey("telemetry.id"), primary_key=True, autoincrement=False),
    Column("judged_at", Moment),  # of the judgement that it was made from
    Column("outcome", Float),
    Column("feedback", Float),
    Column("reusability", Float),
    Column("complexity", Float),
    Column("novelty", Float),
    Column("value", Float),
)

run = Table(
    "learning_run",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("began_at", Float, nullable=False),
    Column("by", Text, nullable=False),  # timer, or a person
    Column("took", Float),  # seconds; NULL = it has not ended
    Column("read", Integer, nullable=False, default=0),  # finished and judged interactions
    Column("taught", Integer, nullable=False, default=0),  # of them good enough to learn from
    Column("made", Integer, nullable=False, default=0),  # new patterns
    Column("activated", Integer, nullable=False, default=0),
    Column("collected", Integer, nullable=False, default=0),
    Column("samples", Integer, nullable=False, default=0),  # new in the review queue
    Column("ok", Integer),  # 1 or 0; NULL = it has not ended
    Column("detail", Text, nullable=False, default=""),
    sqlite_autoincrement=True,
)

sample = Table(
    "learning_sample",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("interaction_id", Key, ForeignKey("telemetry.id")),  # NULL = of another installation
    Column("origin", Text, nullable=False, default=""),
    Column("key", Text, nullable=False),  # sha256 of question and answer, by their words
    Column("question", Text, nullable=False),  # without secrets and personal data
    Column("answer", Text, nullable=False),
    Column("task_class", Text, nullable=False, default=""),
    Column("redactions", Integer, nullable=False, default=0),
    Column("value", Float),
    Column("state", Text, nullable=False),  # waiting, accepted, dropped
    Column("edited", Integer, nullable=False, default=0),
    Column("made_at", Float, nullable=False),
    Column("reviewed_by", Text, nullable=False, default=""),
    Column("reviewed_at", Float),
    UniqueConstraint("key"),
    Index("learning_sample_state", "state"),
    sqlite_autoincrement=True,
)

context = Table(
    "learning_context",
    metadata,
    Column("interaction_id", Key, ForeignKey("telemetry.id"), primary_key=True, autoincrement=False),
)
"""Interactions whose asker gave material beside the question."""

ended_task = Table(
    "learning_task",
    metadata,
    Column("task_id", Key, ForeignKey("task.id"), primary_key=True, autoincrement=False),  # its end is written down
)

setting = Table(
    "learning_setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
