"""``/v1/collections``, ``/v1/documents`` and ``/v1/search``: documents that the stack may look things up in."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import Adding, Searching, Sweeping
from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.knowledge.filters import Filters
from aistack_backend.knowledge.sweep import Bounds
from aistack_backend.wire.knowledge import (
    Added,
    Collections,
    Document,
    Documents,
    DocumentText,
    Reindexed,
    SearchAnswer,
    SurplusList,
    Swept,
)

router = APIRouter(prefix="/v1", tags=["knowledge"])
Name = Annotated[str, Path(min_length=1, max_length=63)]
"""A collection's name."""


@router.get("/collections", response_model=Collections)
def collections(parts: Held) -> Response:
    """Return every collection with its counts and the model of its vectors."""
    return Json(Collections(collections=parts.knowledge.get().base.collections()))


@router.get("/collections/{name}/documents", response_model=Documents)
def documents(parts: Held, name: Name) -> Response:
    """Return the documents of a collection, newest first, at most 1,000."""
    return Json(Documents(documents=parts.knowledge.get().base.documents(name)))


@router.post("/collections/{name}/documents", response_model=Added)
async def add(parts: Held, caller: Caller, name: Name, request: Adding) -> Response:
    """Add a text, or a file of this machine; one of the same source is replaced."""
    held = parts.knowledge.get()
    await asyncio.to_thread(record, parts, caller, "knowledge.add", f"{name}: {request.source or request.path}"[:500])
    return Json(await held.add(name, request, caller.actor))


@router.post("/collections/{name}/reindex", response_model=Reindexed)
async def reindex(parts: Held, caller: Caller, name: Name) -> Response:
    """Compute every vector of a collection anew, with the model that embeds now."""
    held = parts.knowledge.get()
    await asyncio.to_thread(record, parts, caller, "knowledge.reindex", name)
    return Json(await held.base.reindex(name))


@router.get("/collections/{name}/surplus", response_model=SurplusList)
def surplus(parts: Held, name: Name, unused_days: float = 90.0, alike: float = 0.95) -> Response:
    """Return what of a collection could go: what is over, found by nobody, or there twice. Nothing is removed."""
    return Json(parts.knowledge.get().base.look_over(name, Bounds(unused_days=unused_days, alike=alike)))


@router.post("/collections/{name}/sweep", response_model=Swept)
def sweep(parts: Held, caller: Caller, name: Name, request: Sweeping) -> Response:
    """Remove those of the named documents that are still surplus."""
    held = parts.knowledge.get()
    record(parts, caller, "knowledge.sweep", f"{name}: documents {', '.join(map(str, request.documents))}"[:500])
    bounds = Bounds(unused_days=request.unused_days, alike=request.alike)
    return Json(held.base.sweep(name, request.documents, bounds))


@router.get("/documents/{id}", response_model=DocumentText)
def text(parts: Held, id: Id) -> Response:  # noqa: A002
    """Return a document with its text."""
    return Json(parts.knowledge.get().base.text(id))


@router.post("/documents/{id}/remove", response_model=Document)
def remove(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Remove a document; what it was is returned."""
    held = parts.knowledge.get()
    record(parts, caller, "knowledge.remove", f"document {id}")
    return Json(held.base.remove(id))


@router.post("/search", response_model=SearchAnswer)
async def search(parts: Held, request: Searching) -> Response:
    """Look through collections by words and by meaning; each hit says where it stood in either order."""
    held = parts.knowledge.get()
    filters = Filters(
        source=request.source,
        kind=request.kind,
        added_after=request.added_after,
        added_before=request.added_before,
    )
    return Json(await held.search.find(request.question, request.collections, request.most, request.mode, filters))
