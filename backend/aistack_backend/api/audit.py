"""``/v1/audit``: the chain of what was asked, decided and done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.wire.audit import AuditCheck, AuditPage

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", response_model=AuditPage)
def page(
    parts: Held,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    text: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Return records, newest first, older than ``before``, that contain ``text``."""
    return Json(parts.audit.get().page(limit, before, text))


@router.post("/verify", response_model=AuditCheck)
def verify(parts: Held) -> Response:
    """Walk the whole chain and its witness."""
    return Json(parts.audit.get().verify())
