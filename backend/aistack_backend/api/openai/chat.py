"""``POST /v1/chat/completions``: the conversation comes whole with each request, nothing is kept."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai import errors
from aistack_backend.api.openai.answers import Answers, GetModel, named, rank_of
from aistack_backend.api.openai.asked import ChatAsked, ResponseFormat, limit_of, stops_of
from aistack_backend.api.openai.errors import Endpoint, Wrong
from aistack_backend.api.openai.held import Call, Part, as_calls, as_text
from aistack_backend.api.openai.reading import read, telling
from aistack_backend.api.openai.streaming import Events, apart, begun, present
from aistack_backend.api.openai.tools import LOOSE, checked, offer_of, with_offer
from aistack_backend.api.openai.turns import turns_of
from aistack_backend.api.openai.usage import reason_of, usage_of
from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Piece, Turn

Read = Callable[[AsyncGenerator[Piece, None]], AsyncGenerator[Part, None]]
FORM = "response_format.json_schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one request is put to the model, and how what it writes is read."""

    turns: tuple[Turn, ...]
    schema: str
    read: Read
    ignored: tuple[str, ...]
    """Further fields that change nothing."""


def chat(model: GetModel, now: Callable[[], float], naming: Callable[[Answers, str], str] = named) -> Endpoint:
    """Return the endpoint over the model that ``model`` finds for a request; ``naming`` says which it is, or refuses
    the name that was asked for."""

    async def completions(request: Request) -> Response:
        asked, ignored = read(await request.body(), ChatAsked)
        plan = plan_of(asked)
        held = model(request)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(now()), "model": naming(held, asked.model)}
        stop = () if plan.schema else stops_of(asked.stop)
        pieces = held.answer(
            plan.turns, limit_of(asked), asked.temperature, plan.schema, rank=rank_of(request), stop=stop
        )
        parts = plan.read(apart(pieces))
        if asked.stream:
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            answer: Response = Events(chunks(await begun(request, parts), head, usage))
        else:
            answer = Json(await present(request, whole(parts, head)))
        return telling(answer, [*ignored, *plan.ignored])

    return errors.told(completions)


def plan_of(asked: ChatAsked) -> Plan:
    """Return how the request is put.

    Raises:
        Wrong: it cannot be; says which field.
    """
    form = form_of(asked.response_format)
    schema = checked(form, f"{FORM}.schema") if form is not None else ""
    offer = offer_of(asked, form)
    turns = turns_of(asked.messages, calling=offer is not None)
    schema = offer.schema if offer else schema
    unused = ("stop",) if schema and asked.stop else ()
    if offer is None:
        return Plan(turns=turns, schema=schema, read=lambda pieces: as_text(pieces, schema), ignored=unused)
    return Plan(
        turns=with_offer(turns, offer),
        schema=schema,
        read=lambda pieces: as_calls(pieces, schema, words=form is None),
        ignored=(*unused, *offer.loose),
    )


def form_of(form: ResponseFormat | None) -> dict[str, Any] | None:
    """Return the JSON schema that the answer must satisfy; None = free text.

    Raises:
        Wrong: a schema is promised and not given.
    """
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return LOOSE
    if form.json_schema is None:
        raise Wrong(FORM, f"{FORM} is missing.", "Give the schema.")
    return form.json_schema.schema


async def whole(parts: AsyncGenerator[Part, None], head: dict[str, Any]) -> dict[str, Any]:
    """Return the finished answer as one object."""
    text, calls, last = "", list[Call](), None
    async with aclosing(parts):
        async for part in parts:
            text, last = text + part.text, part.piece
            calls += [part.call] if part.call else []
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        message["tool_calls"] = [_call(one) for one in calls]
    reason = "tool_calls" if calls else reason_of(last)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage_of(last)}


async def chunks(
    parts: AsyncGenerator[Part, None], head: dict[str, Any], usage: bool
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the answer as the API's chunks; with ``usage`` a last one says what it took. An error ends it."""
    last, called, known = None, 0, {"usage": None} if usage else {}
    head = {**head, "object": "chat.completion.chunk"}
    async with aclosing(parts):
        try:
            async for part in parts:
                delta: dict[str, Any] = {} if last else {"role": "assistant"}
                delta |= {"content": part.text} if part.text else {}
                if part.call:
                    delta |= {"tool_calls": [{"index": called, **_call(part.call)}]}
                    called += 1
                reason = reason_of(part.piece)
                choice = {"index": 0, "delta": delta, "finish_reason": "tool_calls" if reason and called else reason}
                yield {**head, "choices": [choice], **known}
                last = part.piece
            if usage:
                yield {**head, "choices": [], "usage": usage_of(last)}
        except BackendError as error:
            yield errors.said(error)


def _call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
