"""The knowledge base on the backend's store, with the vectors of whatever model is there."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from aistack_backend.api.parts import Parts
from aistack_backend.api.roles.asked import Caller
from aistack_backend.api.roles.desk import Desk
from aistack_backend.errors import BadInput
from aistack_backend.inference.models import Embeddings
from aistack_backend.knowledge.reading import LARGEST
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.knowledge.stores.chosen import chosen
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.knowledge import Added, AddRequest

ROLE = Caller(actor="role:aidb")


class KnowledgeParts:
    """What is kept, and the search in it."""

    def __init__(self, parts: Parts, database: Database) -> None:
        embeds = _Local(parts)
        self.vectors = chosen(parts.settings.config.knowledge, database, parts.clock)
        self.base = Knowledge(database, parts.clock, embeds, self.vectors)
        self.search = Search(database, parts.clock, embeds, self.vectors, self.base.uses)
        record = partial(_recorded, parts)
        self.desk = Desk(self.base, self.search, embeds, ROLE.actor, record)

    def close(self) -> None:
        """Write down what was counted, and let the store of vectors go."""
        self.base.uses.write()
        self.vectors.close()

    async def add(self, collection: str, request: AddRequest, by: str) -> Added:
        """Add what is asked for.

        Raises:
            BadInput: both a text and a file, or neither; the file cannot be read; see ``Knowledge.add``.
        """
        if bool(request.text) == bool(request.path):
            raise BadInput("A document is a text or a file, and one of them.", "Give text and source, or path.")
        data = await asyncio.to_thread(contents, request.path) if request.path else request.text.encode()
        return await self.base.add(
            collection,
            data,
            request.source or request.path,
            by,
            title=request.title,
            kind=request.kind,
            charset="utf-8" if request.text else "",
            keep_days=request.keep_days,
        )


def contents(path: str) -> bytes:
    """Return what a file holds, at most one byte more than a document may have.

    Raises:
        BadInput: it is no absolute path of a file that can be read.
    """
    where = Path(path)
    if not where.is_absolute() or "\0" in path:
        raise BadInput(f"{path[:200]!r} is no absolute path.", "The backend has another working folder than you.")
    try:
        held = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Name a file of yours.") from error
    try:
        if not stat.S_ISREG(os.fstat(held).st_mode):
            raise BadInput(f"{path} is no file.", "Name the files in it one by one.")
        with os.fdopen(held, "rb", closefd=False) as file:
            return file.read(LARGEST + 1)
    finally:
        os.close(held)


def _recorded(parts: Parts, kind: str, what: str) -> None:
    parts.audit.get().note(phase=Phase.NOTE, actor=ROLE.actor, via=ROLE.via, kind=kind, object=what)


class _Local:
    """The local model's vectors, or why there are none."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """See ``Embeds``."""
        return await self._parts.inference.get().embed(texts)
