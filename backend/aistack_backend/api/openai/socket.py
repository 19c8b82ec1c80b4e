"""OpenAI's API on the operator's socket: ``/v1/chat/completions`` and ``/v1/completions``, as the description tells
them. ``/v1/models`` is one route with ours (``api/chat.py``): its answer is a list in OpenAI's form too.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request

from aistack_backend.api.openai.answers import Answers
from aistack_backend.api.openai.embeddings import Embeds
from aistack_backend.api.openai.routes import POSTED, Posted, endpoints, of_vectors
from aistack_backend.clock import SystemClock

COMPONENTS = "#/components/schemas/{name}"
router = APIRouter(tags=["openai"])


def _model(request: Request) -> Answers:
    found: Answers = request.app.state.parts.inference.get()
    return found


def _vectors(request: Request) -> Embeds:
    found: Embeds = request.app.state.parts.inference.get()
    return found


def _described(one: Posted) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components((one.asked,), ref_template=COMPONENTS)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def components() -> dict[str, Any]:
    """Return the schema of every body and of what it is made of, by name. A field that is null is one left out."""
    _, parts = msgspec.json.schema_components([one.asked for one in POSTED], ref_template=COMPONENTS)
    for one in POSTED:
        body = parts[one.asked.__name__]
        for name in body["properties"].keys() - set(body.get("required", ())):
            body["properties"][name] = {"anyOf": [body["properties"][name], {"type": "null"}]}
    return parts


_ANSWERING = {**of_vectors(_vectors), **endpoints(_model, SystemClock().now)}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Whole, or as events with `stream`."}
}
for _one in POSTED:
    router.add_api_route(
        _one.path,
        _ANSWERING[_one.path],
        methods=["POST"],
        response_model=None,
        description=_one.about,
        openapi_extra=_described(_one),
        responses=_EVENTS if _one.streams else None,
    )
