"""``/v1/rules``: what people allowed in advance; on the operator's socket alone."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import RuleWish
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.rules import Rehearsal, Rule, RuleList

router = APIRouter(prefix="/v1/rules", tags=["approvals"])


@router.get("", response_model=RuleList)
def rules(parts: Held) -> Response:
    """Return the rules that hold, newest first, then those that ended."""
    return Json(parts.approvals.get().rules.list())


@router.post("/rehearse", response_model=Rehearsal)
def rehearse(parts: Held, request: RuleWish) -> Response:
    """Return which of the newest past requests a rule would have let through; nothing is made."""
    return Json(parts.approvals.get().rules.rehearse(request))


@router.post("", response_model=Rule)
def make(parts: Held, caller: Caller, request: RuleWish) -> Response:
    """Make a rule that was rehearsed."""
    return Json(parts.approvals.get().rules.make(request, caller))


@router.post("/{id:int}/revoke", response_model=Rule)
def revoke(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002  the route's own name
    """End a rule now."""
    return Json(parts.approvals.get().rules.revoke(id, caller))
