"""``/v1/approvals``: what waits for a person, and the person's decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from aistack_backend.api.bodies import Decision, Edit, GoOn
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.actions import Approval, ApprovalList
from aistack_backend.wire.rules import DecisionReport

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])
LARGEST = 2**63 - 1
"""The largest number of a row."""
Id = Annotated[int, Path(ge=1, le=LARGEST)]
"""A row's number, as the database can hold it."""


@router.get("", response_model=ApprovalList)
def approvals(parts: Held) -> Response:
    """Return every pending approval, nearest deadline first, then the newest decided ones."""
    return Json(parts.approvals.get().list())


@router.get("/report", response_model=DecisionReport)
def report(parts: Held, caller: Caller) -> Response:
    """Return how people decided lately: how long they took, and how much they approved within two seconds."""
    return Json(parts.approvals.get().report(caller))


@router.get("/{id:int}", response_model=Approval)
def approval(parts: Held, id: Id) -> Response:  # noqa: A002  the route's own name
    """Return one approval with its whole action."""
    return Json(parts.approvals.get().get(id))


@router.post("/{id:int}/decision", response_model=Approval)
def decide(parts: Held, caller: Caller, id: Id, request: Decision) -> Response:  # noqa: A002
    """Decide. The first committed decision wins; a later one gets 409 and the winner."""
    return Json(parts.approvals.get().decide(id, request, caller))


@router.post("/{id:int}/go-on", response_model=Approval)
def go_on(parts: Held, caller: Caller, id: Id, request: GoOn) -> Response:  # noqa: A002
    """Take the deliberate step after a pause; the approval still waits for its decision."""
    return Json(parts.approvals.get().go_on(id, request, caller))


@router.post("/{id:int}/edit", response_model=Approval)
def edit(parts: Held, caller: Caller, id: Id, request: Edit) -> Response:  # noqa: A002
    """Put another text in place of a pending shell command's; returns the new request, which waits for a decision."""
    return Json(parts.approvals.get().edit(id, request, caller))
