"""``/v1/shelf`` and what can be done with one model: what lies on this machine, fetching, benching and removing."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.chat import Card
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.wire.shelf import ModelDetail, ModelShelf

router = APIRouter(prefix="/v1", tags=["model"])


@router.get("/shelf", response_model=ModelShelf)
def shelf(parts: Held, fresh: bool = False) -> Response:
    """Return every model on disk or offered; ``fresh`` looks through the stores anew first."""
    library = parts.library.get()
    return Json(library.look() if fresh else library.shelf())


@router.get("/models/{id}", response_model=ModelDetail)
def model(parts: Held, id: Card) -> Response:  # noqa: A002
    """Return one model and what was measured of it."""
    return Json(parts.library.get().detail(id))
