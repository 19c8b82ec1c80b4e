"""``/v1/backups``: what lies on the shelf. Taking, verifying and restoring one are actions."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.wire.storage import BackupList

router = APIRouter(prefix="/v1", tags=["stack"])


@router.get("/backups", response_model=BackupList)
def backups(parts: Held) -> Response:
    """Return all backups, newest first, with what verifying each one found."""
    held = parts.stack.get().backups
    return Json(held.shelf.list(held.next_at()))
