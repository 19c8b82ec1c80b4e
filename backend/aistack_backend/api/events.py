"""``GET /v1/events``: the bus as server-sent events; an event is encoded once, however many read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from aistack_backend.api.encode import Encoder
from aistack_backend.api.parts import Held
from aistack_backend.bus import Bus

HEARTBEAT = 10.0
"""Seconds without an event after which a comment is sent, so that a dead peer is found out."""
BEAT = b": still here\n\n"
router = APIRouter(tags=["events"])


@router.get(
    "/v1/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Events for ever; see wire/events.py.", "content": {"text/event-stream": {}}}},
)
async def events(request: Request, parts: Held) -> StreamingResponse:
    """Stream the newest snapshot of every topic, then each event; ``Last-Event-ID: EPOCH:SEQ`` resumes."""
    after = resume_point(request.headers.get("last-event-id", ""), parts.bus.epoch)
    stream = read(parts.bus, parts.encoder, after, parts.stopping)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})


def resume_point(last_id: str, epoch: str) -> int | None:
    """Return the sequence number to resume after; None when the id is not one of this epoch."""
    theirs, _, seq = last_id.partition(":")
    return int(seq) if theirs == epoch and seq.isascii() and seq.isdigit() and len(seq) < 19 else None


async def read(
    bus: Bus, encoder: Encoder, after: int | None, stopping: asyncio.Event, heartbeat: float = HEARTBEAT
) -> AsyncIterator[bytes]:
    """Yield encoded events, and a comment whenever ``heartbeat`` seconds were silent, until the backend stops."""
    source = bus.read(after)
    stop = asyncio.ensure_future(stopping.wait())
    coming = asyncio.ensure_future(anext(source))
    try:
        while not stop.done():
            await asyncio.wait({coming, stop}, timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                event = coming.result()
                coming = asyncio.ensure_future(anext(source))
                yield encoder.encode(event)
            elif not stop.done():
                yield BEAT
    finally:
        for task in (coming, stop):
            task.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await task
        if close := getattr(source, "aclose", None):
            await close()
