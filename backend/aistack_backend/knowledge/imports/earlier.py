"""What earlier imports of the same place left in a collection, read from the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from aistack_backend.knowledge.imports.choosing import source_of
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import collection, document


@dataclass(frozen=True, slots=True)
class Before:
    """A document of an earlier import."""

    id: int
    source: str
    sha256: str


class Earlier:
    """Looks for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, name: str, place: str) -> dict[str, list[Before]]:
        """Return the documents whose source is ``place`` at some commit, by the path of their file."""
        begins = f"{place}@"
        wanted = (
            select(document.c.id, document.c.source, document.c.sha256)
            .join(collection, collection.c.id == document.c.collection_id)
            .where((collection.c.name == name) & document.c.source.startswith(begins, autoescape=True))
        )
        found: dict[str, list[Before]] = {}
        with self._database.read() as connection:
            for row in connection.execute(wanted):
                if (path := source_of(row.source, place)) is not None:
                    found.setdefault(path, []).append(Before(row.id, row.source, row.sha256))
        return found
