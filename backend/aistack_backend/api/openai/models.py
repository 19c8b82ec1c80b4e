"""``GET /v1/models`` and ``/v1/models/{model}``: what lies on this machine, in OpenAI's form."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai.answers import GetModel
from aistack_backend.api.openai.errors import Endpoint, NoSuchModel, told
from aistack_backend.wire.models import ModelStatus


def models(model: GetModel) -> Endpoint:
    """Return the endpoint that lists them."""

    async def listed(request: Request) -> Response:
        return Json({"object": "list", "data": listing(model(request).status())})

    return told(listed)


def one_model(model: GetModel) -> Endpoint:
    """Return the endpoint that tells one of them."""

    async def one(request: Request) -> Response:
        wanted, status = request.path_params["model"], model(request).status()
        for row in listing(status):
            if row["id"] == wanted:
                return Json(row)
        raise NoSuchModel(f"There is no model {wanted[:200]!r} here; {status.model or 'none'} is loaded.")

    return told(one)


def listing(status: ModelStatus) -> list[dict[str, Any]]:
    """Return the models whose files are here. More than OpenAI's form: ``state``, of the one that is loaded."""
    return [
        {"id": card.id, "object": "model", "created": 0, "owned_by": card.origin}
        | ({"state": status.engine.value} if status.model and (card.active or card.id == status.model) else {})
        for card in status.cards
        if card.path
    ]
