"""``/v1/containers`` and ``/v1/usage``: what Podman says."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from aistack_backend.api.board import late_source
from aistack_backend.api.lines import NDJSON, Json, Lines
from aistack_backend.api.parts import Held
from aistack_backend.wire.containers import ContainerDetail, Fleet, UsageTable
from aistack_backend.wire.events import Topic

router = APIRouter(prefix="/v1", tags=["containers"])
Ref = Annotated[str, Path(min_length=1, max_length=255, pattern="^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
"""A container's full id, a unique beginning of it, or its name."""
Host = Annotated[str, Query(max_length=32, pattern="^[A-Za-z0-9_.-]*$")]
"""The other machine that it is on, as the configuration names it; empty = this one."""


@router.get("/containers", response_model=Fleet)
async def containers(parts: Held) -> Response:
    """Return the newest list of all containers and how it was come by."""
    if parts.containers.part is None:
        return Json(Fleet(at=None, source=late_source(parts, "podman", parts.containers)))
    return Json(parts.containers.part.fleet())


@router.get("/usage", response_model=UsageTable)
async def usage(parts: Held) -> Response:
    """Return the newest sample of what running containers use; no rows before the first one."""
    return Json(parts.bus.latest(Topic.USAGE) or UsageTable(at=0.0))


@router.get("/containers/{id}", response_model=ContainerDetail)
async def detail(parts: Held, id: Ref, host: Host = "") -> Response:  # noqa: A002  the route's own name
    """Return one container in full, measured now, secrets masked."""
    return Json(await parts.containers.get().detail(_ref(host, id)))


@router.get(
    "/containers/{id}/logs",
    status_code=200,
    response_class=Lines,
    response_model=None,
    responses={200: {"content": {NDJSON: {}}, "description": "One LogBatch a line."}},
)
async def logs(
    parts: Held,
    id: Ref,  # noqa: A002
    tail: Annotated[int, Query(ge=0, le=1_000_000)] = 100,
    since: Annotated[float | None, Query(ge=0, le=1e11)] = None,
    follow: bool = False,
    host: Host = "",
) -> Response:
    """Stream log lines, oldest first; with ``follow`` until the reader leaves."""
    held = parts.containers.get()
    ref = _ref(host, id)
    await asyncio.to_thread(held.resolve, ref)
    return Lines(held.logs(ref, tail=tail, since=since, follow=follow))


def _ref(host: str, name: str) -> str:
    return f"{host}/{name}" if host else name
