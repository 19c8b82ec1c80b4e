"""``/v1/route`` and what belongs to it: questions answered by whoever the rules say, and all that is kept of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from aistack_backend.api.bodies import Asking
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.orchestration.routing import history
from aistack_backend.orchestration.routing.coordinator import Asker
from aistack_backend.wire.routing import RouteAnswer, RouteList

router = APIRouter(prefix="/v1", tags=["routing"])
Most = Annotated[int, Query(ge=1, le=history.MOST)]


@router.post("/route", response_model=RouteAnswer)
async def route(parts: Held, caller: Caller, request: Asking) -> Response:
    """Answer a question by what was learned, by a model here or by one elsewhere, and say why so."""
    return Json(await parts.routing.get().route(request, Asker(client=caller.actor)))


@router.get("/routes", response_model=RouteList)
def routes(parts: Held, most: Most = 100) -> Response:
    """Return the newest questions and the ways they took."""
    return Json(history.recent(parts.routing.get().rooms.telemetry, most))
