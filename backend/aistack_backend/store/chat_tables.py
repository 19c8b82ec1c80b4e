"""What a chat has besides its messages: the branches, the persona, and what was read for an answer.

A message of a database that knew no branches has no row here: it follows the message before it.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from aistack_backend.store.tables import Key, metadata

chat_thread = Table(
    "chat_thread",
    metadata,
    Column("session_id", Key, ForeignKey("chat_session.id"), primary_key=True, autoincrement=False),
    Column("leaf_id", Key, nullable=False),  # the last message of the branch used last; 0 = none yet
    Column("persona", Text, nullable=False, default=""),
)

chat_link = Table(
    "chat_link",
    metadata,
    Column("message_id", Key, ForeignKey("chat_message.id"), primary_key=True, autoincrement=False),
    Column("session_id", Key, ForeignKey("chat_session.id"), nullable=False),
    Column("parent_id", Key, nullable=False),  # 0 = it begins the chat
    Column("route", Text, nullable=False, default=""),
    Column("task_id", Key),
    Column("cites", Text, nullable=False, default=""),  # JSON of wire.chat.Cite, empty = none
    Index("chat_link_session", "session_id"),
)
