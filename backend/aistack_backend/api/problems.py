"""Every error as RFC 9457 ``application/problem+json``: what happened, and what would be right."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.errors import AlreadyDecided, BackendError
from aistack_backend.wire.problems import Problem

if TYPE_CHECKING:  # a role's own process does without FastAPI
    from fastapi.routing import APIRoute

MEDIA = "application/problem+json"
HINTS = {404: "The routes are in /v1/openapi.json.", 405: "The allowed methods are in the Allow header."}
log = logging.getLogger(__name__)


def problem_of(error: BackendError) -> Problem:
    """Return the wire form of an error of ours."""
    problem = Problem(type=error.type, title=error.title, status=error.status, detail=error.detail, hint=error.hint)
    if isinstance(error, AlreadyDecided):
        return replace(problem, winner=error.winner, decision=error.decision, decided_at=error.decided_at)
    return problem


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return the response that carries a problem."""
    return Response(msgspec.json.encode(problem), problem.status, headers, MEDIA)


def install(app: Starlette) -> None:
    """Map every error that can leave a route to a problem."""
    app.add_exception_handler(BackendError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def install_invalid(app: Starlette) -> None:
    """Map a request that does not fit its route's description to a problem."""
    from fastapi.exceptions import RequestValidationError

    app.add_exception_handler(RequestValidationError, _invalid)


def _ours(_: Request, error: Any) -> Response:
    again = getattr(error, "again", None)  # of what is refused for a while only
    return answer(problem_of(error), None if again is None else {"retry-after": str(again)})


def _invalid(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answer(Problem(type="bad-input", title="Bad input", status=422, detail=f"{where}: {first['msg']}."))


def _http(request: Request, error: Any) -> Response:
    word = str(error.detail).lower().replace(" ", "-")
    headers = dict(error.headers) if error.headers else None
    if error.status_code == 405 and hasattr(request.app.state, "routes"):
        headers = {"allow": ", ".join(_methods(request))}
    hint = getattr(request.app.state, "hints", HINTS).get(error.status_code, "")
    return answer(Problem(type=word, title=error.detail, status=error.status_code, hint=hint), headers)


def _methods(request: Request) -> list[str]:
    """Return every method that some route has for this path; the router itself names those of one route only."""
    routes: list[APIRoute] = request.app.state.routes
    here = (route for route in routes if route.path_regex.match(request.url.path))
    return sorted({method for route in here for method in route.methods or ()})


def _unforeseen(request: Request, error: Any) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = f"{request.method} {request.url.path} met an unforeseen {type(error).__name__}."
    hint = "The backend's log has the rest: logs/backend.log in the data folder."
    return answer(Problem(type="error", title="The backend failed", status=500, detail=detail, hint=hint))
