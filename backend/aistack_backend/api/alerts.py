"""``/v1/alerts``: the inbox of alarms, and what a person says to one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import Snoozing
from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.alerts import Alert, AlertList

router = APIRouter(prefix="/v1/alerts", tags=["observe"])


@router.get("", response_model=AlertList)
def alerts(parts: Held) -> Response:
    """Return the inbox, every rule with what the last look found, and every target of the stack's Prometheus."""
    return Json(parts.alerts.get().shown())


@router.post("/{id:int}/acknowledge", response_model=Alert)
def acknowledge(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002  the route's own name
    """Write down that a person has seen an alarm; it stays until it is over."""
    held = parts.alerts.get()
    record(parts, caller, "alert.acknowledge", f"alert {id}: {held.get(id).rule}")
    return Json(held.acknowledge(id, caller.actor))


@router.post("/{id:int}/snooze", response_model=Alert)
def snooze(parts: Held, caller: Caller, id: Id, request: Snoozing) -> Response:  # noqa: A002
    """Let an alarm wait for some minutes."""
    held = parts.alerts.get()
    record(parts, caller, "alert.snooze", f"alert {id}: {held.get(id).rule}, {request.minutes} minutes")
    return Json(held.snooze(id, request.minutes, caller.actor))
