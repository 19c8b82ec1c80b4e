"""``/v1/trainings``: what was learned for which model, and how it did; asking for one is an action."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.wire.training import TrainingList

router = APIRouter(prefix="/v1", tags=["learning"])


@router.get("/trainings", response_model=TrainingList)
def trainings(parts: Held) -> Response:
    """Return the runs of ``model.train``, the newest first, with both figures of each that came to a verdict."""
    return Json(parts.training.get().trainings.list())
