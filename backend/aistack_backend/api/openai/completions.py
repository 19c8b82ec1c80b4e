"""``POST /v1/completions``: raw text that the model goes on with, in which no special token means anything."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai import errors
from aistack_backend.api.openai.answers import GetModel, named, rank_of
from aistack_backend.api.openai.asked import MOST_TOKENS, TextAsked, stops_of
from aistack_backend.api.openai.errors import Endpoint, Wrong
from aistack_backend.api.openai.reading import read, telling
from aistack_backend.api.openai.streaming import Events, apart, begun, present
from aistack_backend.api.openai.usage import reason_of, usage_of
from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Piece


def completions(model: GetModel, now: Callable[[], float]) -> Endpoint:
    """Return the endpoint over the model that ``model`` finds for a request."""

    async def completed(request: Request) -> Response:
        asked, ignored = read(await request.body(), TextAsked)
        prompt, held = prompt_of(asked.prompt), model(request)
        head = {"id": f"cmpl-{uuid.uuid4().hex}", "object": "text_completion", "created": int(now())}
        head["model"] = named(held, asked.model)
        limit, stop = min(asked.max_tokens, MOST_TOKENS), stops_of(asked.stop)
        pieces = apart(held.answer((), limit, asked.temperature, prompt=prompt, rank=rank_of(request), stop=stop))
        if not asked.stream:
            return telling(Json(await present(request, whole(pieces, head))), ignored)
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return telling(Events(chunks(await begun(request, pieces), head, usage)), ignored)

    return errors.told(completed)


def prompt_of(prompt: str | list[str]) -> str:
    """Return the one text to go on with.

    Raises:
        Wrong: it is empty, or there are several.
    """
    one = prompt if isinstance(prompt, str) else prompt[0] if len(prompt) == 1 else ""
    if not one:
        raise Wrong("prompt", "prompt must be one text that is not empty.", "Send one request for each prompt.")
    return one


async def whole(pieces: AsyncGenerator[Piece, None], head: dict[str, Any]) -> dict[str, Any]:
    """Return the finished text as one object."""
    text, last = "", None
    async with aclosing(pieces):
        async for piece in pieces:
            text, last = text + piece.text, piece
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason_of(last)}
    return {**head, "choices": [choice], "usage": usage_of(last)}


async def chunks(
    pieces: AsyncGenerator[Piece, None], head: dict[str, Any], usage: bool
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the text as the API's chunks; with ``usage`` a last one says what it took. An error ends it."""
    last, known = None, {"usage": None} if usage else {}
    async with aclosing(pieces):
        try:
            async for last in pieces:
                choice = {"index": 0, "text": last.text, "logprobs": None, "finish_reason": reason_of(last)}
                yield {**head, "choices": [choice], **known}
            if usage:
                yield {**head, "choices": [], "usage": usage_of(last)}
        except BackendError as error:
            yield errors.said(error)
