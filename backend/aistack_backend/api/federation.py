"""``/v1/federation``: who is trusted, bundles in and out, and what waits of them; only on the operator's socket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BeforeValidator

from aistack_backend.api.approvals import Id
from aistack_backend.api.bodies import strictly
from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.errors import BadInput
from aistack_backend.wire.federation import (
    AcceptRequest,
    Bundle,
    BundleRequest,
    Federation,
    HeldItem,
    HeldItems,
    ItemState,
    Signer,
    TakenList,
    TakeRequest,
    TrustRequest,
)

router = APIRouter(prefix="/v1/federation", tags=["learning"])
Trusting = Annotated[TrustRequest, BeforeValidator(strictly(TrustRequest))]
Giving = Annotated[BundleRequest, BeforeValidator(strictly(BundleRequest))]
Taking = Annotated[TakeRequest, BeforeValidator(strictly(TakeRequest))]
Accepting = Annotated[AcceptRequest, BeforeValidator(strictly(AcceptRequest))]
Name = Annotated[str, Path(min_length=1, max_length=32)]
"""A signer's name."""


@router.get("", response_model=Federation)
def status(parts: Held) -> Response:
    """Return role, own key, signers, the newest bundles, and how many items wait."""
    return Json(parts.federation.get().status())


@router.post("/key", response_model=Federation)
def key(parts: Held, caller: Caller) -> Response:
    """Make the key that bundles are signed with, when there is none."""
    held = parts.federation.get()
    record(parts, caller, "federation.key", "")
    held.identity.make()
    return Json(held.status())


@router.post("/signers", response_model=Signer)
def trust(parts: Held, caller: Caller, request: Trusting) -> Response:
    """Trust an installation to send."""
    held = parts.federation.get()
    record(parts, caller, "federation.trust", f"{request.name} {request.key}"[:200])
    return Json(held.trust(request, caller.actor))


@router.post("/signers/{name}/revoke", response_model=Signer)
def revoke(parts: Held, caller: Caller, name: Name) -> Response:
    """Trust it no more."""
    held = parts.federation.get()
    record(parts, caller, "federation.revoke", name)
    return Json(held.revoke(name))


@router.post("/export", response_model=Bundle)
def export(parts: Held, caller: Caller, request: Giving) -> Response:
    """Write a signed bundle of what is in use here, without secrets and personal data, to a file of this machine."""
    held = parts.federation.get()
    record(parts, caller, "federation.export", request.path[:500])
    return Json(held.export(request, caller.actor))


@router.post("/import", response_model=TakenList)
def take(parts: Held, caller: Caller, request: Taking) -> Response:
    """Take in a bundle, or the new ones of a folder: into quarantine. Each refusal is told, and recorded."""
    held = parts.federation.get()
    record(parts, caller, "federation.import", request.path[:500])
    done = held.take(request.path, caller.actor)
    for one in done.files:
        if one.refused:
            record(parts, caller, "federation.refused", f"{one.path}: {one.refused}"[:500])
    return Json(done)


@router.get("/items", response_model=HeldItems)
def items(parts: Held, state: Annotated[str, Query(max_length=40)] = "quarantined") -> Response:
    """Return items from elsewhere of a state (empty = of any), with what here says otherwise."""
    wanted = ItemState(state) if state else None
    if wanted is ItemState.UNKNOWN:
        raise BadInput(f"{state[:40]!r} is no state of an item.", "quarantined, accepted or dropped.")
    return Json(parts.federation.get().items(wanted))


@router.post("/items/{id}/accept", response_model=HeldItem)
def accept(parts: Held, caller: Caller, id: Id, request: Accepting) -> Response:  # noqa: A002  the route's own name
    """Let an item in: a pattern as a candidate for its trial here, a sample into the queue of review."""
    held = parts.federation.get()
    record(parts, caller, "federation.accept", f"item {id} {request.rule}"[:100].strip())
    return Json(held.accept(id, request.rule, caller.actor))


@router.post("/items/{id}/drop", response_model=HeldItem)
def drop(parts: Held, caller: Caller, id: Id) -> Response:  # noqa: A002
    """Take an item out."""
    held = parts.federation.get()
    record(parts, caller, "federation.drop", f"item {id}")
    return Json(held.drop(id, caller.actor))
