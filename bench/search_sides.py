"""What ``bench search`` compares: each side opens the same corpus and answers one question with ten documents."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sqlalchemy import create_engine, select, text

from aistack_backend.clock import SystemClock
from aistack_backend.inference.models import Embeddings
from aistack_backend.knowledge import word_index
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.stores.copied import Copied
from aistack_backend.knowledge.stores.exact import Exact
from aistack_backend.knowledge.stores.pgvector import PgVector
from aistack_backend.knowledge.stores.port import VectorStore
from aistack_backend.knowledge.stores.qdrant import Qdrant
from aistack_backend.store.database import Database
from aistack_backend.store.knowledge_tables import chunk, collection, document
from aistack_backend.wire.knowledge import SearchMode

MOST = 10
NAME = "corpus"


class Asked:
    """The questions with their vectors; stands where the model stands, so that its time is not measured."""

    def __init__(self, folder: Path) -> None:
        said = json.loads((folder / "questions.json").read_text())
        self.model: str = said["model"]
        self.questions: list[str] = said["questions"]
        self.answers: list[int] = said["answers"]
        self.vectors = np.load(folder / "questions.npy")
        self._at = {question: at for at, question in enumerate(self.questions)}

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        rows = tuple(tuple(self.vectors[self._at[one]].tolist()) for one in texts)
        return Embeddings(model=self.model, dimensions=len(rows[0]), vectors=rows, tokens=0)


class Side(Protocol):
    """One way to search."""

    def open(self, folder: Path, stack: ExitStack) -> None:
        """Make it ready to answer; ``stack`` closes what it opened."""
        ...

    def ask(self, at: int) -> list[int]:
        """Return the documents that the question of that number finds, the best first."""
        ...


class Ours:
    """Our search, whole: as ``POST /v1/search`` asks it, without HTTP and without the model."""

    def __init__(self, mode: SearchMode) -> None:
        self._mode = mode

    def open(self, folder: Path, stack: ExitStack) -> None:
        """See ``Side``."""
        self.asked = Asked(folder)
        self._loop = asyncio.new_event_loop()
        stack.callback(self._loop.close)
        database, store = self.store(folder, stack)
        stack.callback(database.close)
        stack.callback(store.close)
        self._search = Search(database, SystemClock(), self.asked, store)

    def store(self, folder: Path, stack: ExitStack) -> tuple[Database, VectorStore]:
        """Return the database, and what finds by meaning."""
        return Database(f"sqlite:///{folder}/a.db"), Exact()

    def ask(self, at: int) -> list[int]:
        """See ``Side``."""
        job = self._search.find(self.asked.questions[at], (NAME,), MOST, self._mode)
        found = self._loop.run_until_complete(job)
        if found.mode is not self._mode:
            raise RuntimeError(found.detail)
        return [hit.document_id for hit in found.hits]


class OursByQdrant(Ours):
    """The same with the Qdrant adapter, over the official client's local engine behind HTTP: no real server is here."""

    def store(self, folder: Path, stack: ExitStack) -> tuple[Database, VectorStore]:
        """See ``Ours``."""
        from tests.bed.qdrant import QdrantServer

        warnings.simplefilter("ignore")
        server = QdrantServer(None)
        stack.callback(server.stop)
        return Database(f"sqlite:///{folder}/a.db"), Copied(Qdrant(server.url), SystemClock())


class OursOnPostgres(Ours):
    """The same with everything in PostgreSQL; vectors are searched exactly."""

    def store(self, folder: Path, stack: ExitStack) -> tuple[Database, VectorStore]:
        """See ``Ours``."""
        from tests.bed.postgres import server

        return _copied(folder, stack.enter_context(server())), Exact()


class OursByPgVector(Ours):
    """The same with everything in PostgreSQL and pgvector."""

    def store(self, folder: Path, stack: ExitStack) -> tuple[Database, VectorStore]:
        """See ``Ours``."""
        from tests.bed.pgvector import pgvector

        database = _copied(folder, stack.enter_context(pgvector()))
        return database, Copied(PgVector(database), SystemClock())


def _copied(folder: Path, url: str) -> Database:
    database = Database(url)
    there = Database(f"sqlite:///{folder}/a.db")
    for table in (collection, document, chunk):
        with there.read() as source, database.tx() as target:
            rows = [dict(row._mapping) for row in source.execute(select(table))]
            for row in rows:  # a docstring has a byte that no text of PostgreSQL can have
                row |= {name: value.replace("\0", " ") for name, value in row.items() if isinstance(value, str)}
            target.execute(table.insert(), rows)
    there.close()
    word_index.catch_up(database)
    return database


class Plain:
    """FTS5 as it comes: one table of the pieces' texts, any of the words, its own ranking."""

    def open(self, folder: Path, stack: ExitStack) -> None:
        """See ``Side``."""
        self._asked, self._of = Asked(folder), documents(folder)
        self._connection = sqlite3.connect(f"file:{folder}/fts.db?mode=ro", uri=True)
        stack.callback(self._connection.close)

    def ask(self, at: int) -> list[int]:
        """See ``Side``."""
        words = " OR ".join(f'"{one}"' for one in re.findall(r"\w+", self._asked.questions[at]))
        sql = "SELECT rowid FROM pieces WHERE pieces MATCH ? ORDER BY rank LIMIT ?"
        return [self._of[number] for (number,) in self._connection.execute(sql, (words, MOST))]


class QdrantLocal:
    """The official client's local mode, in memory."""

    def open(self, folder: Path, stack: ExitStack) -> None:
        """See ``Side``."""
        from qdrant_client import QdrantClient, models

        warnings.simplefilter("ignore")
        self._asked, self._of = Asked(folder), documents(folder)
        self._client = QdrantClient(":memory:")
        stack.callback(self._client.close)
        size = self._asked.vectors.shape[1]
        params = models.VectorParams(size=size, distance=models.Distance.COSINE)
        self._client.create_collection(NAME, vectors_config=params)
        ids, vectors = pieces(folder)
        self._client.upload_collection(NAME, vectors=vectors, ids=ids.tolist())

    def ask(self, at: int) -> list[int]:
        """See ``Side``."""
        found = self._client.query_points(NAME, query=self._asked.vectors[at], limit=MOST, with_payload=False)
        return [self._of[int(one.id)] for one in found.points]


class RawPgVector:
    """pgvector alone: one table, by SQL; exact, or by its HNSW index with the settings it comes with."""

    def __init__(self, *, hnsw: bool) -> None:
        self._hnsw = hnsw

    def open(self, folder: Path, stack: ExitStack) -> None:
        """See ``Side``."""
        from tests.bed.pgvector import pgvector

        self._asked, self._of = Asked(folder), documents(folder)
        engine = create_engine(stack.enter_context(pgvector()))
        stack.callback(engine.dispose)
        self._connection = stack.enter_context(engine.connect())
        ids, vectors = pieces(folder)
        run = self._connection.exec_driver_sql
        run("CREATE EXTENSION vector")
        run(f"CREATE TABLE pieces (id bigint PRIMARY KEY, v vector({vectors.shape[1]}))")
        rows = [{"id": int(number), "v": _said(row)} for number, row in zip(ids, vectors, strict=True)]
        self._connection.execute(text("INSERT INTO pieces VALUES (:id, CAST(:v AS vector))"), rows)
        if self._hnsw:
            run("CREATE INDEX ON pieces USING hnsw (v vector_cosine_ops)")
        self._connection.commit()
        run("ANALYZE pieces")

    def ask(self, at: int) -> list[int]:
        """See ``Side``."""
        wanted = text("SELECT id FROM pieces ORDER BY v <=> CAST(:v AS vector) LIMIT :most")
        found = self._connection.execute(wanted, {"v": _said(self._asked.vectors[at]), "most": MOST})
        return [self._of[row.id] for row in found]


def _said(vector: Any) -> str:
    return "[" + ",".join(f"{one:.9g}" for one in vector.tolist()) + "]"


def documents(folder: Path) -> dict[int, int]:
    """Return the document of each piece."""
    held = np.load(folder / "pieces.npy")
    return dict(zip(held[:, 0].tolist(), held[:, 1].tolist(), strict=True))


def pieces(folder: Path) -> tuple[Any, Any]:
    """Return the pieces' ids and vectors."""
    return np.load(folder / "pieces.npy")[:, 0], np.load(folder / "vectors.npy")


def side(name: str) -> Side:
    """Return the side of that name."""
    made: dict[str, Side] = {
        "ours by words": Ours(SearchMode.WORDS),
        "ours by meaning, exact": Ours(SearchMode.MEANING),
        "ours by both, exact": Ours(SearchMode.BOTH),
        "ours by words, PostgreSQL": OursOnPostgres(SearchMode.WORDS),
        "ours by both, PostgreSQL": OursOnPostgres(SearchMode.BOTH),
        "ours by meaning, pgvector": OursByPgVector(SearchMode.MEANING),
        "ours by both, pgvector": OursByPgVector(SearchMode.BOTH),
        "ours by meaning, Qdrant adapter": OursByQdrant(SearchMode.MEANING),
        "plain FTS5": Plain(),
        "qdrant-client, local mode": QdrantLocal(),
        "pgvector alone, exact": RawPgVector(hnsw=False),
        "pgvector alone, HNSW": RawPgVector(hnsw=True),
    }
    return made[name]


SIDES = (
    "ours by words",
    "ours by words, PostgreSQL",
    "plain FTS5",
    "ours by meaning, exact",
    "qdrant-client, local mode",
    "ours by meaning, Qdrant adapter",
    "pgvector alone, exact",
    "pgvector alone, HNSW",
    "ours by meaning, pgvector",
    "ours by both, exact",
    "ours by both, PostgreSQL",
    "ours by both, pgvector",
)
