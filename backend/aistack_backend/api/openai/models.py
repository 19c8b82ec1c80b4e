"""``GET /v1/models`` and ``/v1/models/{model}``: what lies on this machine, in OpenAI's form."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.openai.answers import GetModel
from aistack_backend.api.openai.errors import Endpoint, NoSuchModel, told
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.shelf import ModelDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList(ModelStatus):
    """Our own standing of the models, which is a list in OpenAI's form too."""

    object: str = "list"
    data: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFound(ModelDetail):
    """One model as we tell it, and in OpenAI's form too."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = ""


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


def as_list(status: ModelStatus) -> ModelList:
    """Return the standing as a list in OpenAI's form, with all that it says beside."""
    return ModelList(**_fields(status), data=tuple(listing(status)))


def as_one(detail: ModelDetail) -> ModelFound:
    """Return one model in OpenAI's form, with all that is known of it beside."""
    return ModelFound(**_fields(detail), id=detail.card.id, owned_by=detail.card.origin)


def _fields(told: ModelStatus | ModelDetail) -> dict[str, Any]:
    return {field.name: getattr(told, field.name) for field in fields(told)}
