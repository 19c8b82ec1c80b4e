"""Our tables, the same on SQLite and PostgreSQL. DBOS keeps its own beside them in the same database.

Times are epoch seconds; ``json`` columns are canonical text, so that what was hashed is what is stored.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()
Key = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "aistack_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

task = Table(
    "task",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("goal", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("via", Text, nullable=False, default=""),
    Column("planner", Text, nullable=False, default=""),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("result", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

approval = Table(
    "approval",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("task_id", Key, ForeignKey("task.id"), nullable=False),
    Column("revision", Integer, nullable=False, default=1),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("action_hash", Text, nullable=False),
    Column("action", Text, nullable=False),  # canonical JSON, exactly the hashed bytes
    Column("view", Text, nullable=False),  # JSON: title, effect, undo, risk reasons, rule, agent's words
    Column("requester", Text, nullable=False),
    Column("via", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("ready_at", Float, nullable=False, default=0.0),
    Column("boot_id", Text, nullable=False),
    Column("expires_mono", Float, nullable=False),
    Column("decided_at", Float),
    Column("decided_by", Text, nullable=False, default=""),
    Column("decided_uid", Integer),
    Column("decided_via", Text, nullable=False, default=""),
    Column("decided_boot", Text, nullable=False, default=""),
    Column("start_before_mono", Float),
    Column("reason", Text, nullable=False, default=""),
    Column("used_at", Float),
    Index("approval_state", "state"),
    Index("approval_task", "task_id"),
    Index("approval_hash", "action_hash"),
    UniqueConstraint("task_id", "revision"),
    sqlite_autoincrement=True,
)

effect = Table(
    "effect",
    metadata,
    Column("key", Text, primary_key=True),  # task:revision:node:attempt
    Column("task_id", Key, ForeignKey("task.id"), nullable=False),
    Column("approval_id", Key, ForeignKey("approval.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),  # begun, done, failed, cancelled, unknown
    Column("begun_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("outcome", Text, nullable=False, default=""),
    Index("effect_state", "state"),
)

event = Table(
    "event",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("mono", Float, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False, default=""),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False, default=""),
    Column("task_id", Key),
    Column("approval_id", Key),
    Column("action_hash", Text, nullable=False, default=""),
    Column("decision", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("outcome", Text, nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),  # redacted canonical JSON
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("event_approval", "approval_id"),
)

chat_session = Table(
    "chat_session",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("title", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

chat_message = Table(
    "chat_message",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("session_id", Key, ForeignKey("chat_session.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("finish", Text),
    Column("tokens", Integer),
    Column("tokens_per_second", Float),
    Column("first_token_after", Float),
    Column("model", Text, nullable=False, default=""),
    Index("chat_message_session", "session_id"),
    sqlite_autoincrement=True,
)

boot = Table(
    "boot",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),  # the number of its task
    Column("at", Float, nullable=False),
    Column("doc", Text, nullable=False),  # wire.boot.Boot as JSON, after its end
    Index("boot_at", "at"),
)
