"""``/v1/route`` and what belongs to it: questions answered by whoever the rules say, and all that is kept of them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from aistack_backend.api.approvals import LARGEST, Id
from aistack_backend.api.bodies import Asking, Judging, Locking
from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.openapi import PROBLEM
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.orchestration.routing import feedback, history
from aistack_backend.orchestration.routing.coordinator import Asker
from aistack_backend.orchestration.routing.outbound import MOST
from aistack_backend.orchestration.routing.replay import Replays
from aistack_backend.orchestration.routing.standing import standing
from aistack_backend.orchestration.routing.stats import DAY, stats
from aistack_backend.wire.routing import (
    Lock,
    OutboundList,
    Replay,
    RouteAnswer,
    Routed,
    RouteList,
    RouteStats,
    Routing,
)

router = APIRouter(prefix="/v1", tags=["routing"])
Most = Annotated[int, Query(ge=1, le=history.MOST)]
Few = Annotated[int, Query(ge=1, le=MOST)]
Seconds = Annotated[float, Query(ge=1, le=3_650 * DAY)]
TOO_OFTEN: dict[int | str, dict[str, Any]] = {
    429: {"description": "This client asks more than it may.", "content": PROBLEM}
}
Interaction = Annotated[int | None, Query(ge=1, le=LARGEST)]


@router.post("/route", response_model=RouteAnswer, responses=TOO_OFTEN)
async def route(parts: Held, caller: Caller, request: Asking) -> Response:
    """Answer a question by what was learned, by a model here or by one elsewhere, and say why so."""
    return Json(await parts.routing.get().route(request, Asker(client=caller.actor)))


@router.get("/routes", response_model=RouteList)
def routes(parts: Held, most: Most = 100) -> Response:
    """Return the newest questions and the ways they took."""
    return Json(history.recent(parts.routing.get().rooms.telemetry, most))


@router.get("/routes/{id}", response_model=Routed)
def one_route(parts: Held, id: Id) -> Response:  # noqa: A002
    """Return one question and the way it took."""
    return Json(history.one(parts.routing.get().rooms.telemetry, id))


@router.post("/routes/{id}/replay", response_model=Replay, responses=TOO_OFTEN)
async def replay(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Ask a question again on both routes; elsewhere only where the rules let it."""
    held = parts.routing.get()
    await asyncio.to_thread(record, parts, caller, "route.replay", f"interaction {id}")
    return Json(await Replays(held).both(id, Asker(client=caller.actor)))


@router.post("/feedback", response_model=Routed)
def judge(parts: Held, caller: Caller, request: Judging) -> Response:
    """Judge an answer; the last judgement counts."""
    telemetry, number = parts.routing.get().rooms.telemetry, request.interaction_id
    found = feedback.verdict(request)
    record(parts, caller, "route.feedback", f"interaction {number}: {found}")
    done = telemetry.judge(number, found, caller.actor, request.correction)
    if parts.learning.part is not None:
        parts.learning.part.tell()
    return Json(history.routed(done))


@router.get("/routing", response_model=Routing)
async def routing(parts: Held) -> Response:
    """Return the lock, the budgets and who would be asked, in order; nothing is sent for it."""
    return Json(await standing(parts.routing.get().rooms))


@router.post("/routing/lock", response_model=Lock)
def lock(parts: Held, caller: Caller, request: Locking) -> Response:
    """Close or open the way out; while it is closed nobody elsewhere is asked."""
    held = parts.routing.get()
    record(parts, caller, "routing.lock", "closed" if request.locked else "opened")
    return Json(held.rooms.switch.turn(closed=request.locked, by=caller.actor))


@router.get("/routing/stats", response_model=RouteStats)
def statistics(parts: Held, seconds: Seconds = DAY) -> Response:
    """Return how the questions of the last seconds went."""
    held = parts.routing.get()
    fits = held.rooms.ways.calibrations.fits()
    return Json(stats(held.database, parts.clock.now() - seconds, fits))


@router.get("/outbound", response_model=OutboundList)
def outbound(parts: Held, interaction: Interaction = None, most: Few = 50) -> Response:
    """Return what left this machine for questions, the newest first."""
    return Json(OutboundList(sent=parts.routing.get().rooms.log.find(interaction, most)))
