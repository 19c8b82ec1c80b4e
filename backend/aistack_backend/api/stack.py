"""``/v1/stack``, ``/v1/boots`` and ``/v1/storage``: the services that belong together, and what they stand on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Response

from aistack_backend.api.board import late_source
from aistack_backend.api.bodies import Checking, Planning, Using
from aistack_backend.api.lines import Json
from aistack_backend.api.parts import Held
from aistack_backend.api.peers import Caller
from aistack_backend.api.stackwork import REMEMBERED
from aistack_backend.containers.prune.storage import storage
from aistack_backend.containers.stack.source import bundled
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.boot import BootList, Plan
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.storage import Storage

router = APIRouter(prefix="/v1", tags=["stack"])
KINDS = {"up": "stack.up", "down": "stack.down", "recreate": "stack.recreate"}


@router.get("/stack", response_model=Stack)
async def stack(parts: Held) -> Response:
    """Return every declared service with the newest of its ladder."""
    return Json(parts.bus.latest(Topic.STACK) or Stack(at=None, source=late_source(parts, "stack", parts.stack)))


@router.post("/stack/plan", response_model=Plan)
def plan(parts: Held, request: Planning) -> Response:
    """Return what an up, down or recreate would do now; nothing is done."""
    if request.verb not in KINDS:
        raise BadInput(f"There is no plan for {request.verb!r}.", f"Use one of {', '.join(KINDS)}.")
    _, planned = parts.stack.get().planner.make(KINDS[request.verb], request.goal)
    return Json(planned.wire())


@router.post("/stack/check", response_model=Stack)
async def check(parts: Held, request: Checking) -> Response:
    """Climb the ladder of these services now (none named = all), and return the stack."""
    return Json(await asyncio.to_thread(parts.stack.get().watch.check, request.services))


@router.post("/stack/use", response_model=Stack)
def use(parts: Held, caller: Caller, request: Using) -> Response:
    """Use another manifest from now on; the present one stays when that cannot be read."""
    held, settings = parts.stack.get(), parts.settings
    files = [Path(one) for one in request.file.split(":") if one]
    if any(not one.is_absolute() for one in files):
        raise BadInput(f"{request.file!r} is no absolute path.", "Name the file with its whole path.")
    before = held.source.files
    held.source.use(files or [bundled()])
    try:
        parts.audit.get().note(
            phase=Phase.NOTE, actor=caller.actor, via=caller.via, kind="stack.use", object=request.file or "our own"
        )
    except BackendError:
        held.source.use(before)
        raise
    (settings.data_dir / REMEMBERED).write_text(request.file)
    return Json(held.watch.publish())


@router.get("/boots", response_model=BootList)
def boots(parts: Held) -> Response:
    """Return the newest boots, newest first."""
    return Json(BootList(boots=parts.stack.get().history.boots()))


@router.get("/storage", response_model=Storage)
def stored(parts: Held) -> Response:
    """Return images, volumes and networks, and who uses them."""
    held = parts.stack.get()
    source = parts.containers.get().fleet().source
    return Json(storage(parts.podman.get(), held.stocks, source, parts.clock.now()))
