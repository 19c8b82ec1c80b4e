"""Federation: who is trusted, which bundles went out and came in, and the items that wait for review."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from aistack_backend.store.tables import Key, metadata

signer = Table(
    "federation_signer",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("added_by", Text, nullable=False),
    Column("added_at", Float, nullable=False),
    Column("expires_at", Float),  # NULL = until revoked
    Column("revoked_at", Float),
    Column("number", Key, nullable=False, default=0),  # of its newest bundle here
)

bundle = Table(
    "federation_bundle",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),  # the signer's
    Column("signer", Text, nullable=False, default=""),  # its name then; empty = ours
    Column("number", Key, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),  # of the signed bytes
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("by", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("redactions", Integer, nullable=False, default=0),
    Column("left_out", Integer, nullable=False, default=0),
    UniqueConstraint("key", "number"),
    sqlite_autoincrement=True,
)

item = Table(
    "federation_item",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("bundle_id", Key, ForeignKey("federation_bundle.id"), nullable=False),
    Column("state", Text, nullable=False),  # quarantined, accepted, dropped
    Column("key", Text, nullable=False),  # kind and the question's words: what says something about the same
    Column("content", Text, nullable=False),  # wire.federation.Item as JSON
    Column("redactions", Integer, nullable=False, default=0),
    Column("outcome", Text, nullable=False, default=""),
    Column("reviewed_by", Text, nullable=False, default=""),
    Column("reviewed_at", Float),
    Index("federation_item_state", "state"),
    Index("federation_item_key", "key"),
    sqlite_autoincrement=True,
)
