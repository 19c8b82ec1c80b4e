"""``/v1/shelf`` and what can be done with one model: what lies on this machine, fetching, benching and removing."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from aistack_backend.api.bodies import FetchWish, Removal
from aistack_backend.api.chat import Card, record
from aistack_backend.api.lines import Json
from aistack_backend.api.openai.models import ModelFound, as_one
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.shelf import Measured, ModelDetail, ModelShelf

router = APIRouter(prefix="/v1", tags=["model"])


@router.get("/shelf", response_model=ModelShelf)
def shelf(parts: Held, fresh: bool = False) -> Response:
    """Return every model on disk or offered; ``fresh`` looks through the stores anew first."""
    library = parts.library.get()
    return Json(library.look() if fresh else library.shelf())


@router.get("/models/{id}", response_model=ModelFound)
def model(parts: Held, id: Card) -> Response:  # noqa: A002
    """Return one model and what was measured of it, in OpenAI's form too."""
    return Json(as_one(parts.library.get().detail(id)))


@router.post("/models", response_model=ModelDetail)
async def fetch_from(parts: Held, caller: Caller, request: FetchWish) -> Response:
    """Begin to fetch a model by URL or hub name; the progress comes as SHELF events."""
    library = parts.library.get()
    await asyncio.to_thread(record, parts, caller, "model.fetch", request.source[:500])
    return Json(await library.fetch_from(request))


@router.post("/models/{id}/cancel", response_model=ModelShelf)
async def cancel(parts: Held, caller: Caller, id: Card) -> Response:  # noqa: A002
    """Stop a fetch; what came so far is kept."""
    library = parts.library.get()
    await asyncio.to_thread(record, parts, caller, "model.cancel", id)
    library.cancel(id)
    return Json(await asyncio.to_thread(library.shelf))


@router.post("/models/{id}/bench", response_model=Measured)
async def bench(parts: Held, caller: Caller, id: Card) -> Response:  # noqa: A002
    """Measure the loaded model with one short answer."""
    library = parts.library.get()
    await asyncio.to_thread(record, parts, caller, "model.bench", id)
    return Json(await library.bench(id))


@router.post("/models/{id}/remove", response_model=ModelShelf)
def remove(parts: Held, caller: Caller, id: Card, request: Removal) -> Response:  # noqa: A002
    """Remove a model from our own cache; the body names it once more."""
    library = parts.library.get()
    record(parts, caller, "model.remove", id)
    return Json(library.remove(id, request.typed_name))
