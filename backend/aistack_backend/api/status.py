"""``/v1/status``, ``/healthz`` and ``/v1/shutdown``: the backend about itself."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.board import status_of
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.status import Status

router = APIRouter(tags=["backend"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer that the process serves; tells nothing else, so anybody may ask."""
    return {"status": "ok"}


@router.get("/v1/status", response_model=Status)
def status(parts: Held, caller: Caller) -> Response:
    """Return version, settings that matter, and how every source is doing."""
    return Json(status_of(parts, caller.user))


@router.post("/v1/shutdown", status_code=202)
def shutdown(parts: Held, caller: Caller) -> dict[str, str]:
    """Begin the same clean end as SIGTERM; it is written down who asked."""
    parts.audit.get().note(phase=Phase.NOTE, actor=caller.actor, via=caller.via, kind="backend.stop")
    parts.stop()
    return {"status": "stopping"}
