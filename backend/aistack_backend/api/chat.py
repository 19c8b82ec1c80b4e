"""``/v1/models`` and ``/v1/chat``: the local model, its preparation, and talking to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from aistack_backend.api.approvals import LARGEST, Id
from aistack_backend.api.bodies import Changing, Saying
from aistack_backend.api.lines import NDJSON, Json, Lines
from aistack_backend.api.openai.models import ModelList, as_list
from aistack_backend.api.parts import Held, Parts
from aistack_backend.api.peers import Caller
from aistack_backend.approvals.port import Person
from aistack_backend.errors import BackendError, NotFound
from aistack_backend.learning.chatted import Chatted, Kept
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.chat import Chunk, Finish, Message, PersonaList, Session, SessionList, Transcript
from aistack_backend.wire.models import ModelStatus

router = APIRouter(prefix="/v1", tags=["model"])
Card = Annotated[str, Path(min_length=1, max_length=200)]
"""A model's id in the catalogue."""


Leaf = Annotated[int | None, Query(ge=1, le=LARGEST)]
"""A message's id."""


@router.get("/models", response_model=ModelList)
def models(parts: Held) -> Response:
    """Return the engine, the catalogue, and the models on disk; these also as a list in OpenAI's form."""
    return Json(as_list(parts.inference.get().status()))


@router.post("/models/{id}/fetch", response_model=ModelStatus)
async def fetch(parts: Held, caller: Caller, id: Card) -> Response:  # noqa: A002  the route's own name
    """Begin to fetch a model of the catalogue; the progress comes as MODEL events."""
    await asyncio.to_thread(record, parts, caller, "model.fetch", id)
    await parts.library.get().fetch(id)
    return Json(await asyncio.to_thread(parts.inference.get().status))


@router.post("/models/{id}/use", response_model=ModelStatus)
async def use(parts: Held, caller: Caller, id: Card) -> Response:  # noqa: A002
    """Load a model that is on disk."""
    await asyncio.to_thread(record, parts, caller, "model.use", id)
    await asyncio.to_thread(parts.library.get().usable, id)
    return Json(await parts.inference.get().use(id))


@router.get("/chats", response_model=SessionList)
def sessions(parts: Held, search: str = "") -> Response:
    """Return every chat session, last used first; with ``search`` the newest 50 that have all its words."""
    return Json(parts.talk.get().sessions(search))


@router.get("/chats/{id:int}", response_model=Transcript)
def transcript(parts: Held, id: Id, leaf: Leaf = None) -> Response:  # noqa: A002
    """Return one session with one branch: that used last, or the newest through the message ``leaf``."""
    found = parts.talk.get().transcript(id, leaf)
    if isinstance(kept := parts.talk.get().notes, Chatted):
        found = replace(found, messages=_judged(found.messages, kept.of(id)))
    return Json(found)


@router.patch("/chats/{id:int}", response_model=Session)
def change(parts: Held, caller: Caller, id: Id, request: Changing) -> Response:  # noqa: A002
    """Give one session another title or persona."""
    record(parts, caller, "chat.change", f"chat {id}")
    return Json(parts.talk.get().change(id, request))


@router.get("/personas", response_model=PersonaList)
def personas(parts: Held) -> Response:
    """Return every persona, the usual one first."""
    return Json(parts.talk.get().personas())


@router.delete("/chats/{id:int}", status_code=204)
def delete(parts: Held, caller: Caller, id: Id) -> None:  # noqa: A002
    """Delete one session with its messages."""
    record(parts, caller, "chat.delete", f"chat {id}")
    parts.talk.get().delete(id)


@router.post("/chats/{id:int}/cancel", status_code=204)
async def cancel(parts: Held, id: Id) -> None:  # noqa: A002
    """Stop the answer that is being written in that session; what came so far is kept."""
    await parts.talk.get().cancel(id)


@router.post(
    "/chat",
    status_code=200,
    response_class=Lines,
    response_model=None,
    responses={200: {"content": {NDJSON: {}}, "description": "One Chunk a line; the last has finish set."}},
)
async def say(parts: Held, caller: Caller, request: Saying) -> Response:
    """Say something and stream the answer. A reader who leaves stops it."""
    if not 0 <= request.session_id <= LARGEST:
        raise NotFound(f"There is no chat {request.session_id}.")

    def farewell(error: BackendError) -> Chunk:
        return Chunk(session_id=request.session_id, message_id=0, finish=Finish.ERROR, detail=error.detail)

    return Lines(parts.talk.get().say(request, caller), farewell)


def _judged(messages: Sequence[Message], kept: Mapping[int, Kept]) -> tuple[Message, ...]:
    """Return messages with what telemetry has of them."""
    known = [(one, kept.get(one.id)) for one in messages]
    return tuple(
        replace(one, interaction_id=told.interaction, verdict=told.verdict) if told else one for one, told in known
    )


def record(parts: Parts, who: Person, kind: str, what: str) -> None:
    """Write down who asks for a change before it is made: no audit, no change."""
    parts.audit.get().note(phase=Phase.NOTE, actor=who.actor, via=who.via, kind=kind, object=what)
