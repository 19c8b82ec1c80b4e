"""``/v1/providers``: the endpoints elsewhere, how they do, and a person's check of one."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response

from aistack_backend.api.chat import record
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.wire.providers import ProviderCheck, ProviderList

router = APIRouter(prefix="/v1", tags=["model"])
Named = Annotated[str, Path(min_length=1, max_length=32)]
"""A provider's name in the configuration."""


@router.get("/providers", response_model=ProviderList)
async def providers(parts: Held) -> Response:
    """Return every endpoint of the configuration and what is known of it; nothing is sent to any."""
    return Json(parts.providers.get().list())


@router.post("/providers/{name}/check", response_model=ProviderCheck)
async def check(parts: Held, caller: Caller, name: Named, ask: bool = False) -> Response:
    """Ask an endpoint for its list of models, and with ``ask`` for a few tokens; the answer says what was sent.

    While the way out is locked, one elsewhere is not asked.
    """
    held = parts.providers.get()
    held.status(name)
    if (routing := parts.routing.part) is not None:
        await asyncio.to_thread(routing.may_leave, name)
    await asyncio.to_thread(record, parts, caller, "provider.check", f"{name}{' ask' if ask else ''}")
    return Json(await held.check(name, ask=ask))
