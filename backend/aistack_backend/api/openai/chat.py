"""``POST /v1/chat/completions``: the conversation comes whole with each request, nothing is kept."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai import errors
from aistack_backend.api.openai.answers import Answers, GetModel, named, rank_of
from aistack_backend.api.openai.asked import ChatAsked, ResponseFormat, limit_of, stops_of
from aistack_backend.api.openai.errors import Endpoint, Wrong
from aistack_backend.api.openai.reading import read, telling
from aistack_backend.api.openai.streaming import Events, apart, begun, present
from aistack_backend.api.openai.turns import turns_of
from aistack_backend.api.openai.usage import reason_of, usage_of
from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Piece


def chat(model: GetModel, now: Callable[[], float], naming: Callable[[Answers, str], str] = named) -> Endpoint:
    """Return the endpoint over the model that ``model`` finds for a request; ``naming`` says which it is, or refuses
    the name that was asked for."""

    async def completions(request: Request) -> Response:
        asked, ignored = read(await request.body(), ChatAsked)
        turns, schema = turns_of(asked.messages), schema_of(asked.response_format)
        held = model(request)
        name = naming(held, asked.model)
        pieces = held.answer(
            turns, limit_of(asked), asked.temperature, schema, rank=rank_of(request), stop=stops_of(asked.stop)
        )
        return telling(await reply(request, asked, apart(pieces), name, now()), ignored)

    return errors.told(completions)


async def reply(
    request: Request, asked: ChatAsked, pieces: AsyncGenerator[Piece, None], name: str, now: float
) -> Response:
    """Return the answer of the model ``name``, whole or as a stream."""
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(now), "model": name}
    if asked.stream:
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return Events(chunks(await begun(request, pieces), head, usage))
    return Json(await present(request, whole(pieces, head)))


async def whole(pieces: AsyncGenerator[Piece, None], head: dict[str, Any]) -> dict[str, Any]:
    """Return the finished answer as one object."""
    text, last = "", None
    async with aclosing(pieces):
        async for piece in pieces:
            text, last = text + piece.text, piece
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason_of(last)}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage_of(last)}


async def chunks(
    pieces: AsyncGenerator[Piece, None], head: dict[str, Any], usage: bool
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the answer as the API's chunks; with ``usage`` a last one says what it took. An error ends it."""
    last, known = None, {"usage": None} if usage else {}
    head = {**head, "object": "chat.completion.chunk"}
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                delta = ({} if last else {"role": "assistant"}) | ({"content": piece.text} if piece.text else {})
                choice = {"index": 0, "delta": delta, "finish_reason": reason_of(piece)}
                yield {**head, "choices": [choice], **known}
                last = piece
            if usage:
                yield {**head, "choices": [], "usage": usage_of(last)}
        except BackendError as error:
            yield errors.said(error)


def schema_of(form: ResponseFormat | None) -> str:
    """Return the JSON schema that the answer must satisfy; "" for free text.

    Raises:
        Wrong: a schema is promised and not given.
    """
    if form is None or form.type == "text":
        return ""
    if form.type == "json_object":
        return json.dumps({"type": "object"})
    if form.json_schema is None:
        raise Wrong("response_format.json_schema", "response_format.json_schema is missing.", "Give the schema.")
    return json.dumps(form.json_schema.schema)
