"""``/v1/checklist``: the owner's success criteria as live ticks."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.wire.checklist import Checklist

router = APIRouter(prefix="/v1", tags=["stack"])


@router.get("/checklist", response_model=Checklist)
async def checklist(parts: Held) -> Response:
    """Return the ticks as they were last found."""
    return Json(parts.stack.get().checker.now())


@router.post("/checklist/run", response_model=Checklist)
async def run(parts: Held) -> Response:
    """Run every tick now, and return what was found; each is published as it ends."""
    return Json(await parts.stack.get().checker.run())
