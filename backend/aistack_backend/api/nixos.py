"""``/v1/nixos``: what is published about NixOS, as it lies here, with its dates."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from aistack_backend.api.bodies import NixAsking, NixReading
from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.nixos import NixAnswer, NixSources, NixTaken

router = APIRouter(prefix="/v1/nixos", tags=["nixos"])


@router.get("", response_model=NixSources)
def sources(parts: Held) -> Response:
    """Return what is in the index, and how old it is."""
    return Json(parts.nixos.get().index.sources())


@router.post("/search", response_model=NixAnswer)
def search(parts: Held, request: NixAsking) -> Response:
    """Look packages, options and manuals up; nothing is asked of anybody."""
    return Json(parts.nixos.get().index.find(request))


@router.post("/import", response_model=NixTaken)
async def take(parts: Held, caller: Caller, request: NixReading) -> Response:
    """Read a file of this machine in; from a URL it is the action ``nixos.import``."""
    held = parts.nixos.get()
    await asyncio.to_thread(record, parts, caller, "nixos.import", f"{request.path} as {request.channel}"[:500])
    return Json(await asyncio.to_thread(held.read_in, request, caller.actor))
