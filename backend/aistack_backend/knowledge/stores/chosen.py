"""The store of vectors that the configuration names."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.clock import Clock
from aistack_backend.errors import Unavailable
from aistack_backend.knowledge.stores.copied import Copied
from aistack_backend.knowledge.stores.exact import Exact
from aistack_backend.knowledge.stores.pgvector import PgVector
from aistack_backend.knowledge.stores.port import VectorStore
from aistack_backend.knowledge.stores.qdrant import Qdrant
from aistack_backend.store.database import Database
from aistack_backend.wire.config import KnowledgeConfig


def chosen(config: KnowledgeConfig, database: Database, clock: Clock) -> VectorStore:
    """Return it; nothing is asked of it yet, so that one that is away stops no start."""
    if config.vectors == "pgvector":
        return Copied(PgVector(database), clock)
    if config.vectors == "qdrant":
        return Copied(Qdrant(config.qdrant_url, lambda: _key(config.qdrant_key_file)), clock)
    return Exact()


def _key(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"Qdrant's key file {file} cannot be read: {error}.", "See [knowledge] qdrant_key_file."
        ) from error
