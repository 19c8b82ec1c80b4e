"""The published description of the API, with every problem that a route can answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from aistack_backend.api.openai.routes import POSTED
from aistack_backend.api.openai.socket import components
from aistack_backend.api.problems import MEDIA
from aistack_backend.wire.problems import Problem

ALWAYS = {
    400: "A header that decides about access was sent twice, or the body is no JSON.",
    403: "Not your backend, a web page's request, or a rule says no.",
    404: "There is no such object.",
    415: "A request that changes something was not JSON.",
    421: "The Host header names another host.",
    422: "The request itself is wrong.",
    503: "A part that this needs is not there now; the detail says which.",
}
ON_CHANGE = {
    408: "The body did not come in time.",
    409: "The object's state does not allow this.",
    413: "The body is too large.",
}
PROBLEM = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
OPENAI_PATHS = frozenset(one.path for one in POSTED)
OPENAI = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["message", "type", "code", "param"],
                    "properties": {name: {"type": ["string", "null"]} for name in ("message", "type", "code", "param")},
                }
            },
        }
    }
}
"""Errors of the routes in OpenAI's form."""


def describe(app: FastAPI) -> None:
    """Make ``app.openapi`` add the problems to every operation."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            _add_problems(document)
            app.openapi_schema = document
        return app.openapi_schema

    setattr(app, "openapi", openapi)  # noqa: B010  the way FastAPI names for it


def _add_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= components()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            texts = ALWAYS | (ON_CHANGE if method != "get" else {})
            form = OPENAI if path in OPENAI_PATHS else PROBLEM
            operation["responses"] |= {
                str(status): {"description": text, "content": form} for status, text in texts.items()
            }
