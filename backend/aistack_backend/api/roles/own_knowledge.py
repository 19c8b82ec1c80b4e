"""The role aidb in its container: the stack's PostgreSQL for documents, Qdrant for vectors, embeddings for meaning."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sqlalchemy import URL

from aistack_backend.api.roles.desk import Desk, held
from aistack_backend.api.roles.far_vectors import FarVectors
from aistack_backend.api.roles.stores import secret, told
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.knowledge import word_index
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.knowledge.stores.chosen import chosen
from aistack_backend.knowledge.stores.port import VectorStore
from aistack_backend.store.database import Database
from aistack_backend.wire.config import KnowledgeConfig

AGAIN = 2.0
"""Seconds between two tries to reach the database."""
BY = "role:aidb"
log = logging.getLogger(__name__)


class OwnKnowledge:
    """The knowledge base of a container; until the database answers, ``desk`` says why not. Of one event loop."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.vectors = FarVectors(env.get("EMBEDDINGS_URL", ""))
        self._fault: BackendError = Unavailable("The database is being opened.", "Try again in a moment.")
        self._desk: Desk | None = None
        self._database: Database | None = None
        self._store: VectorStore | None = None
        self._opening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to open the database; it is tried until it answers."""
        self._opening = asyncio.create_task(self._open())

    async def opened(self) -> None:
        """Wait until the database is open."""
        if self._opening is not None:
            await self._opening

    def desk(self) -> Desk:
        """Return the desk.

        Raises:
            Unavailable: the database is not open.
        """
        if self._desk is None:
            raise Unavailable(f"The documents cannot be read yet. {self._fault.detail}", self._fault.hint)
        return self._desk

    async def standing(self) -> str:
        """Return what is kept, as a sentence; raises Unavailable while the database is not open."""
        return held(await self.desk().collections())

    async def stop(self) -> None:
        """Close everything."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self.vectors.close()
        if self._store is not None:
            self._store.close()
        if self._database is not None:
            self._database.close()

    async def _open(self) -> None:
        while self._desk is None:
            try:
                self._database = await asyncio.to_thread(_opened, url(self._env))
            except BackendError as error:
                self._fault = error
                await asyncio.sleep(AGAIN)
            else:
                clock, qdrant = SystemClock(), self._env.get("QDRANT_URL", "")
                config = KnowledgeConfig(
                    vectors="qdrant" if qdrant else "exact",
                    qdrant_url=qdrant,
                    qdrant_key_file=self._env.get("QDRANT_KEY_FILE", ""),
                )
                self._store = chosen(config, self._database, clock)
                base = Knowledge(self._database, clock, self.vectors, self._store)
                search = Search(self._database, clock, self.vectors, self._store)
                self._desk = Desk(base, search, self.vectors, BY, _written)


def _opened(place: str) -> Database:
    database = Database(place)
    try:
        word_index.catch_up(database)
    except BackendError:
        database.close()
        raise
    return database


def url(env: Mapping[str, str]) -> str:
    """Return the address of the stack's PostgreSQL, with its password.

    Raises:
        Unavailable: a variable is not set, or the secret cannot be read.
    """
    if given := env.get("AISTACK_DATABASE", ""):
        return given
    file = env.get("POSTGRES_PASSWORD_FILE", "")
    made = URL.create(
        "postgresql+psycopg",
        env.get("POSTGRES_USER", "mcp"),
        secret(file) if file else None,
        told(env, "POSTGRES_HOST"),
        int(env.get("POSTGRES_PORT", "5432")),
        env.get("POSTGRES_DB", "mcp"),
    )
    return made.render_as_string(hide_password=False)


def _written(kind: str, what: str) -> None:
    """Write a submission into the container's log; the document itself carries who and when."""
    log.warning("%s %s", kind, what)
