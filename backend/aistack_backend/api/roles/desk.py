"""What the role aidb does with a request: read it strictly, ask the knowledge base, and never remove or replace."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aistack_backend.api.roles.asked import read
from aistack_backend.errors import BadInput
from aistack_backend.inference.models import Embeddings
from aistack_backend.knowledge.filters import Filters
from aistack_backend.knowledge.port import Embeds
from aistack_backend.knowledge.search import Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.orchestration.routing.limits import QUERY, refuse_patterns
from aistack_backend.wire.knowledge import (
    Added,
    Collections,
    Documents,
    DocumentText,
    SearchAnswer,
    SearchMode,
    Vectors,
)

MOST_TEXTS = 64
"""Texts that one request may have turned into vectors."""
MOST_LISTED = 100
SENT = ("text", "markdown", "html")
SUBMITTED = "submitted"
"""The collection of what was submitted without naming one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """A text that a caller wants to be kept. It never takes the place of another."""

    text: str
    collection: str = SUBMITTED
    source: str = ""
    """Empty = ``submit:`` and the text's hash."""
    title: str = ""
    kind: str = "markdown"
    keep_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A search by words and meaning, or by one of them."""

    query: str
    collections: tuple[str, ...] = ()
    limit: int = 10
    mode: SearchMode = SearchMode.BOTH
    source: str = ""
    kind: str = ""
    added_after: float | None = None
    added_before: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A search by meaning alone, of a question or of a vector that the caller made."""

    query: str = ""
    embedding: tuple[float, ...] = ()
    collection: str = ""
    limit: int = 10
    min_score: float = -1.0
    """The cosine that a hit has at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts that are to become vectors."""

    texts: tuple[str, ...]


class Desk:
    """One knowledge base as strangers may use it. ``record`` writes down a submission before it is made, or raises."""

    def __init__(
        self, base: Knowledge, search: Search, embeds: Embeds, by: str, record: Callable[[str, str], None]
    ) -> None:
        self._base, self._search, self._embeds = base, search, embeds
        self._by, self._record = by, record

    async def collections(self) -> Collections:
        """Return every collection."""
        return Collections(collections=await asyncio.to_thread(self._base.collections))

    async def documents(self, collection: str = "", limit: int = 20) -> Documents:
        """Return the newest documents, of one collection or of all."""
        _bounded(limit)
        return Documents(documents=await asyncio.to_thread(self._base.newest, collection, limit))

    async def document(self, number: int) -> DocumentText:
        """Return one document with its text."""
        return await asyncio.to_thread(self._base.text, number)

    async def submit(self, body: Any) -> Added:
        """Keep a text.

        Raises:
            BadInput: it cannot be. Conflict: a document of that source is there; only the operator replaces one.
        """
        wish = read(body, Submit)
        data = wish.text.encode()
        source = plain(wish.source or f"submit:{hashlib.sha256(data).hexdigest()[:16]}", "The source")
        if not source.startswith(("submit:", "note:", "https://", "http://")):
            raise BadInput(f"{source[:80]!r} is no source of a submitted text.", "submit:NAME, note:NAME or a URL")
        title = plain(wish.title, "The title")
        if wish.kind not in SENT:
            raise BadInput(f"{wish.kind[:80]!r} is no kind of a submitted text.", ", ".join(SENT))
        await asyncio.to_thread(self._record, "knowledge.submit", f"{wish.collection}: {source}"[:500])
        return await self._base.add(
            wish.collection,
            data,
            source,
            self._by,
            title=title,
            kind=wish.kind,
            charset="utf-8",
            keep_days=wish.keep_days,
            replace=False,
        )

    async def search(self, body: Any) -> SearchAnswer:
        """Search by words, meaning or both."""
        wish = read(body, Ask)
        _bounded(wish.limit)
        filters = Filters(
            source=wish.source, kind=wish.kind, added_after=wish.added_after, added_before=wish.added_before
        )
        return await self._search.find(plain(wish.query), wish.collections, wish.limit, wish.mode, filters)

    async def near(self, body: Any) -> SearchAnswer:
        """Search by meaning alone."""
        wish = read(body, Near)
        _bounded(wish.limit)
        if bool(wish.query) == bool(wish.embedding):
            raise BadInput("A search by meaning has a query or an embedding, and one of them.")
        if wish.embedding:
            found = await self._search.nearest(wish.collection, wish.embedding, wish.limit)
        else:
            names = (wish.collection,) if wish.collection else ()
            found = await self._search.find(plain(wish.query), names, wish.limit, SearchMode.MEANING)
        return found.at_least(wish.min_score)

    async def embed(self, body: Any) -> Vectors:
        """Turn texts into vectors."""
        wish = read(body, Texts)
        if not 1 <= len(wish.texts) <= MOST_TEXTS:
            raise BadInput(f"1 to {MOST_TEXTS} texts are turned into vectors at a time.")
        made: Embeddings = await self._embeds.embed([plain(text, "A text") for text in wish.texts])
        return Vectors(model=made.model, dimensions=made.dimensions, vectors=tuple(map(tuple, made.vectors)))


def _bounded(limit: int) -> None:
    if not 1 <= limit <= MOST_LISTED:
        raise BadInput(f"limit is {limit}; 1 to {MOST_LISTED} would be right.")


def plain(text: str, what: str = "The question") -> str:
    """Return a text of a stranger.

    Raises:
        BadInput: it is too long, or has the shape of an attack.
    """
    if len(text.encode(errors="replace")) > QUERY:
        raise BadInput(f"{what} has over {QUERY} bytes.", "Say it in fewer words.")
    refuse_patterns(text)
    return text


def held(found: Collections) -> str:
    """Return how much is kept, as a sentence."""
    documents, collections = sum(one.documents for one in found.collections), len(found.collections)
    of = f"{collections} collection{'' if collections == 1 else 's'}"
    return f"{documents} document{'' if documents == 1 else 's'} in {of}."
