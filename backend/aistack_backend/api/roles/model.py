"""The local model in the form of OpenAI's chat API: the conversation comes whole with each request, nothing is kept."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from aistack_backend.api.lines import Json
from aistack_backend.api.roles.site import Endpoints
from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.wire.chat import Finish, Role
from aistack_backend.wire.models import EngineState

if TYPE_CHECKING:
    from aistack_backend.inference.models import Piece, Turn
    from aistack_backend.wire.models import ModelStatus

ANSWERING = (EngineState.READY, EngineState.BUSY)
MOST_TOKENS = 8192
REASONS = {Finish.STOP: "stop", Finish.LENGTH: "length"}


class Speaks(Protocol):
    """A model that answers whole conversations: the backend's, or the one of a role's own container."""

    def status(self) -> ModelStatus:
        """Return where it stands."""
        ...

    def answer(self, turns: Sequence[Turn], max_tokens: int, temperature: float) -> AsyncGenerator[Piece, None]:
        """Stream one answer; closing the iterator cancels."""
        ...


GetModel = Callable[[], Speaks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is read of a chat completion's request; other fields of the API are ignored."""

    messages: list[dict[str, Any]]
    stream: bool = False
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float = 0.3


def loaded(inference: Speaks) -> str:
    """Return which model answers, as a sentence.

    Raises:
        Unavailable: none does now.
    """
    status = inference.status()
    if status.engine not in ANSWERING:
        raise Unavailable(f"No model answers now ({status.engine}). {status.detail}".strip(), status.hint)
    return f"{status.model} answers, by {status.adapter}."


def endpoints(inference: GetModel, now: Callable[[], float]) -> Endpoints:
    """Return ``/v1/models`` and ``/v1/chat/completions`` over the local model."""

    async def models(_: Request) -> Response:
        status = inference().status()
        cards = [card for card in status.cards if card.path]
        data = [{"id": one.id, "object": "model", "created": 0, "owned_by": one.origin} for one in cards]
        for one in data:  # more than OpenAI's form: which of them is loaded, and whether it is free
            if one["id"] == status.model:
                one["state"] = status.engine.value
        return Json({"object": "list", "data": data})

    async def completions(request: Request) -> Response:
        wanted = read(await request.body())
        held = inference()
        loaded(held)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(now()), "model": held.status().model}
        answer = held.answer(turns(wanted.messages), limit_of(wanted), min(max(wanted.temperature, 0.0), 2.0))
        pieces = apart(answer)
        if wanted.stream:
            return StreamingResponse(events(pieces, head), media_type="text/event-stream")
        return Json(await whole(pieces, head))

    return {"/v1/models": models, "/v1/chat/completions": completions}


async def apart(pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of an answer that is made at the model's own pace: who asks and does not read holds nobody up.
    What is kept meanwhile is at most one answer. Closing it ends the answer."""
    kept: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()

    async def make() -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    kept.put_nowait(piece)
            kept.put_nowait(None)
        except BaseException as error:
            kept.put_nowait(error)
            raise

    making = asyncio.create_task(make())
    try:
        while (one := await kept.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)


def read(body: bytes) -> Wanted:
    """Return the request.

    Raises:
        BadInput: it is no JSON of that form.
    """
    try:
        return msgspec.json.decode(body, type=Wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The body is no chat completion request: {error}.") from error


def limit_of(wanted: Wanted) -> int:
    """Return the most tokens of the answer."""
    return min(max(wanted.max_completion_tokens or wanted.max_tokens or 512, 1), MOST_TOKENS)


def turns(messages: list[dict[str, Any]]) -> tuple[Turn, ...]:
    """Return the conversation.

    Raises:
        BadInput: it is empty, or a message has another form than role and text.
    """
    from aistack_backend.inference.models import Turn

    found = []
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):  # parts: only text can be read
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        if role not in ("system", "developer", "user", "assistant") or not isinstance(content, str):
            raise BadInput(f"messages.{number}: a message is a role (system, user or assistant) and a text.")
        found.append(Turn(role=Role.SYSTEM if role == "developer" else Role(role), text=content))
    if not found:
        raise BadInput("messages is empty.")
    return tuple(found)


async def whole(pieces: AsyncGenerator[Piece, None], head: dict[str, Any]) -> dict[str, Any]:
    """Return the finished answer as one object."""
    text, last = "", None
    async with aclosing(pieces):
        async for piece in pieces:
            text, last = text + piece.text, piece
    prompt, made = (last.prompt_tokens, last.tokens) if last else (0, 0)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": _reason(last)}
    usage = {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


async def events(pieces: AsyncGenerator[Piece, None], head: dict[str, Any]) -> AsyncIterator[str]:
    """Yield the answer as server-sent events; a reader who leaves cancels it."""
    first = True
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                delta = ({"role": "assistant"} if first else {}) | ({"content": piece.text} if piece.text else {})
                choice = {"index": 0, "delta": delta, "finish_reason": _reason(piece)}
                yield _event({**head, "object": "chat.completion.chunk", "choices": [choice]})
                first = False
        except BackendError as error:
            yield _event({"error": {"message": f"{error.detail} {error.hint}".strip(), "type": error.type}})
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _reason(piece: Piece | None) -> str | None:
    return REASONS.get(piece.finish, "stop") if piece and piece.finish else None
