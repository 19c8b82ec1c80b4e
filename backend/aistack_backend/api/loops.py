"""``/v1/loops``: ask for a loop, look at its passes, take its patch, say something to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import strictly
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.actions import Approval
from aistack_backend.wire.loops import GuideRequest, Loop, LoopAsk, LoopList, Patch
from aistack_backend.wire.tasks import Task

router = APIRouter(prefix="/v1/loops", tags=["loops"])
Ask = Annotated[LoopAsk, BeforeValidator(strictly(LoopAsk))]
Guide = Annotated[GuideRequest, BeforeValidator(strictly(GuideRequest))]


@router.post("/preview", response_model=Approval)
def preview(parts: Held, caller: Caller, request: Ask) -> Response:
    """Return what would run and how it is judged; nothing is stored and nothing runs."""
    return Json(parts.loops.get().preview(request, caller))


@router.post("", response_model=Task)
def submit(parts: Held, caller: Caller, request: Ask) -> Response:
    """Ask for a loop: one action of the gate, whose record names everything that its passes may do."""
    return Json(parts.loops.get().submit(request, caller))


@router.get("", response_model=LoopList)
def loops(parts: Held) -> Response:
    """Return the loops that have begun, newest first, without outputs."""
    return Json(parts.loops.get().list())


@router.get("/{id:int}", response_model=Loop)
def loop(parts: Held, id: Id) -> Response:  # noqa: A002  the route's own name
    """Return one loop with every pass, its outputs, its proof, and the limits as they stand."""
    return Json(parts.loops.get().get(id))


@router.get("/{id:int}/patch", response_model=Patch)
def patch(parts: Held, id: Id, number: Annotated[int | None, Query(ge=1, le=1_000_000)] = None) -> Response:  # noqa: A002
    """Return what the loop changed, or what one pass of it changed."""
    return Json(parts.loops.get().patch(id, number))


@router.post("/{id:int}/guidance", response_model=Loop)
def guide(parts: Held, caller: Caller, id: Id, request: Guide) -> Response:  # noqa: A002
    """Say something to the next pass, or end the running one for it."""
    return Json(parts.loops.get().guide(id, request, caller))
