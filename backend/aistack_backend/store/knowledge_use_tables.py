"""How often each document was found; what was never counted has no row, and is not taken for never found."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, Table

from aistack_backend.store.tables import Key, metadata

document_use = Table(
    "knowledge_document_use",
    metadata,
    Column("document_id", Key, ForeignKey("knowledge_document.id"), primary_key=True, autoincrement=False),
    Column("since", Float, nullable=False),  # counted since then
    Column("found", Integer, nullable=False, default=0),  # searches that had it among their hits
    Column("last_found", Float),
)
