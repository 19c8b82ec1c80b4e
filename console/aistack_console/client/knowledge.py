"""The calls about documents: collections, adding, removing, indexing anew, and the search in them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from aistack_backend.wire.knowledge import (
    Added,
    AddRequest,
    Collections,
    Document,
    Documents,
    DocumentText,
    Reindexed,
    SearchAnswer,
    SearchMode,
    SearchRequest,
    SurplusList,
    SweepRequest,
    Swept,
)
from aistack_console.client.calls import LONG, Calls

VERY_LONG = 3_600.0
"""Seconds for what computes thousands of vectors."""


class KnowledgeCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def collections(self) -> Collections:
        """Return every collection."""
        return await self._get("/v1/collections", Collections)

    async def documents(self, name: str) -> Documents:
        """Return the documents of a collection, newest first."""
        return await self._get(f"{_path(name)}/documents", Documents)

    async def add_document(self, name: str, request: AddRequest) -> Added:
        """Add a text, or a file of the backend's machine."""
        return await self._post(f"{_path(name)}/documents", request, Added, VERY_LONG)

    async def remove_document(self, number: int) -> Document:
        """Remove a document; return what it was."""
        return await self._post(f"/v1/documents/{number}/remove", None, Document)

    async def reindex(self, name: str) -> Reindexed:
        """Compute every vector of a collection anew."""
        return await self._post(f"{_path(name)}/reindex", None, Reindexed, VERY_LONG)

    async def document(self, number: int) -> DocumentText:
        """Return a document with its text."""
        return await self._get(f"/v1/documents/{number}", DocumentText)

    async def surplus(self, name: str) -> SurplusList:
        """Return what of a collection could go, each with its reason."""
        return await self._get(f"{_path(name)}/surplus", SurplusList)

    async def sweep(self, name: str, numbers: Sequence[int]) -> Swept:
        """Remove those of these documents that are still surplus."""
        return await self._post(f"{_path(name)}/sweep", SweepRequest(documents=tuple(numbers)), Swept)

    async def search(
        self, question: str, names: Sequence[str] = (), most: int = 10, mode: SearchMode = SearchMode.BOTH
    ) -> SearchAnswer:
        """Look through collections (all when none is named)."""
        request = SearchRequest(question=question, collections=tuple(names), most=most, mode=mode)
        return await self._post("/v1/search", request, SearchAnswer, LONG)


def _path(name: str) -> str:
    return f"/v1/collections/{quote(name, safe='')}"
