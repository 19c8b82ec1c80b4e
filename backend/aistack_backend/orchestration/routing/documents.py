"""Pieces of the backend's own documents for a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aistack_backend.knowledge.search import LONGEST, Search
from aistack_backend.knowledge.service import Knowledge
from aistack_backend.orchestration.routing.models import Piece


class Documents:
    """See ``Finds``."""

    def __init__(self, search: Callable[[], Search], base: Callable[[], Knowledge]) -> None:
        """Both raise Unavailable while the knowledge base is not there."""
        self._search, self._base = search, base

    async def find(self, question: str, most: int) -> Sequence[Piece]:
        """See ``Finds``; without a collection nothing is looked for, and no model is asked for vectors."""
        if most < 1 or not await asyncio.to_thread(self._base().collections):
            return ()
        found = await self._search().find(question[:LONGEST], (), most)
        return tuple(
            Piece(
                id=str(hit.chunk_id),
                source=hit.source,
                title=hit.title,
                heading=hit.heading,
                text=hit.text,
                collection=hit.collection,
                cosine=hit.cosine,
            )
            for hit in found.hits
        )
