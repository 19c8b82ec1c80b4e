"""``GET /v1/dashboard``: the four sections of the owner's note, from the numbers of ``GET /metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.alertwork import board
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.wire.dashboard import Dashboard

router = APIRouter(prefix="/v1/dashboard", tags=["observe"])


@router.get("", response_model=Dashboard)
def dashboard(parts: Held) -> Response:
    """Return every point with its number now, over 24 hours and over 7 days, or why it has none."""
    return Json(board(parts))
