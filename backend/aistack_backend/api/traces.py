"""``/v1/traces``: what was done for each request and task, with its times."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from aistack_backend.api.bodies import Measured
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.traces import SpansTaken, Trace, TraceList

router = APIRouter(prefix="/v1", tags=["observe"])
Wanted = Annotated[str, Path(min_length=1, max_length=32)]
"""A trace's id, or a task's number."""


@router.get("/traces", response_model=TraceList)
def traces(parts: Held) -> Response:
    """Return the newest traces, newest first, and how the sending of spans goes."""
    return Json(parts.traces.get().list())


@router.get("/traces/{id}", response_model=Trace)
def trace(parts: Held, id: Wanted) -> Response:  # noqa: A002  the route's own name
    """Return one trace with its spans, those that still go on included."""
    return Json(parts.traces.get().get(id))


@router.post("/spans", response_model=SpansTaken)
def spans(parts: Held, caller: Caller, request: Measured) -> Response:
    """Record what a console measured of its own calls; the answer says how many spans were new."""
    return Json(parts.traces.get().take(request, caller.via))
