"""Vectors in PostgreSQL's extension vector, in the database of our own tables; compared exactly, by the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

import numpy as np
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, ProgrammingError

from aistack_backend.errors import Unavailable
from aistack_backend.knowledge.stores.port import Found, Space, Vector
from aistack_backend.knowledge.vectors import mark
from aistack_backend.store import faults
from aistack_backend.store.database import Database

_THERE = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
_MAKE = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    "CREATE TABLE IF NOT EXISTS knowledge_vector (chunk_id bigint PRIMARY KEY, space text NOT NULL, "
    "mark text NOT NULL, embedding vector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS knowledge_vector_space ON knowledge_vector (space)",
)
_PUT = text(
    "INSERT INTO knowledge_vector VALUES (:id, :space, :mark, CAST(:vector AS vector)) ON CONFLICT (chunk_id) "
    "DO UPDATE SET space = excluded.space, mark = excluded.mark, embedding = excluded.embedding"
)
_FIND = """
SELECT chunk_id, 1 - (embedding <=> CAST(:wanted AS vector)) AS cosine FROM knowledge_vector
WHERE space = :space AND vector_dims(embedding) = :dimensions {only}
ORDER BY embedding <=> CAST(:wanted AS vector), chunk_id LIMIT :most
"""


class PgVector:
    """See ``Copy``."""

    name = "pgvector"

    def __init__(self, database: Database) -> None:
        self._database = database

    def marks(self, space: Space) -> dict[int, str]:
        """See ``Copy``; the extension is created where it is not yet.

        Raises:
            Unavailable: the database is no PostgreSQL, or has not the extension.
        """
        if self._database.engine.dialect.name != "postgresql":
            raise Unavailable(
                "pgvector is a part of PostgreSQL, and the database here is SQLite.",
                "Set [backend] database to a PostgreSQL, or [knowledge] vectors to exact.",
            )
        with self._begin() as connection:
            if not connection.exec_driver_sql(_THERE).scalar():
                raise Unavailable(
                    "This PostgreSQL has not the extension vector.",
                    "Install pgvector on its server, or set [knowledge] vectors to exact.",
                )
            for line in _MAKE:
                connection.exec_driver_sql(line)
            other = "DELETE FROM knowledge_vector WHERE space = :space AND vector_dims(embedding) <> :dimensions"
            connection.execute(text(other), {"space": space.name, "dimensions": space.dimensions})
            held = text("SELECT chunk_id, mark FROM knowledge_vector WHERE space = :space")
            return {row.chunk_id: row.mark for row in connection.execute(held, {"space": space.name})}

    def put(self, space: Space, vectors: Mapping[int, bytes]) -> None:
        """See ``Copy``."""
        rows = [
            {"id": number, "space": space.name, "mark": mark(vector), "vector": _said(np.frombuffer(vector, "<f4"))}
            for number, vector in vectors.items()
        ]
        if rows:
            with self._begin() as connection:
                connection.execute(_PUT, rows)

    def drop(self, space: Space, ids: Sequence[int]) -> None:
        """See ``Copy``."""
        gone = text("DELETE FROM knowledge_vector WHERE space = :space AND chunk_id = ANY(:ids)")
        with self._begin() as connection:
            connection.execute(gone, {"space": space.name, "ids": list(ids)})

    def find(self, space: Space, wanted: Vector, most: int, only: AbstractSet[int] | None) -> Found:
        """See ``Copy``."""
        values = {"space": space.name, "dimensions": space.dimensions, "wanted": _said(wanted), "most": most}
        limit = ""
        if only is not None:
            limit, values["only"] = "AND chunk_id = ANY(:only)", sorted(only)
        with self._begin() as connection:
            found = connection.execute(text(_FIND.format(only=limit)), values)
            return [(int(row.chunk_id), float(row.cosine)) for row in found]

    def close(self) -> None:
        """Nothing: the connections are the database's."""

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """Begin a transaction of its own: it writes its own table alone, so that it waits for no other writer."""
        try:
            with faults.explained(self._database.place), self._database.engine.begin() as connection:
                yield connection
        except (ProgrammingError, DataError) as error:
            line = str(error.orig or error).strip().splitlines()[0]
            raise Unavailable(
                f"PostgreSQL does not search vectors: {line}",
                "Let this user create the extension vector, or set [knowledge] vectors to exact.",
            ) from error


def _said(vector: Vector) -> str:
    return "[" + ",".join(f"{one:.9g}" for one in vector.tolist()) + "]"
