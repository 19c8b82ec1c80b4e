"""Every error of these routes in OpenAI's form: ``{"error": {"message", "type", "code", "param"}}``."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from aistack_backend.api import problems
from aistack_backend.api.lines import Json
from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.inference.models import TooMany
from aistack_backend.wire.problems import Problem

Endpoint = Callable[[Request], Awaitable[Response]]
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")
"""Ends of the paths that nobody but a client of OpenAI's API asks for."""
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
LEFT = 499
"""Told to nobody: the client left before its answer."""
log = logging.getLogger(__name__)


class Wrong(BadInput):
    """A request is not what these routes take; ``param`` names where, as ``messages.0.role``."""

    status = 400

    def __init__(self, param: str, detail: str, hint: str = "", *, kind: str = "") -> None:
        super().__init__(detail, hint, kind=kind or "invalid-value")
        self.param = param or None


class NoSuchModel(NotFound):
    """The request names a model that does not answer here."""

    type, param = "model-not-found", "model"


def form(problem: Problem, param: str | None = None) -> dict[str, Any]:
    """Return a problem in OpenAI's form. Its ``type`` is a kind of error, its ``code`` our own word for it."""
    status = status_of(problem)
    kind = TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    message = f"{problem.detail or problem.title} {problem.hint}".strip()
    return {"error": {"message": message, "type": kind, "code": problem.type.replace("-", "_"), "param": param}}


def status_of(problem: Problem) -> int:
    """Return the status as clients of this API know it: 400 for what is 422 elsewhere, 429 where too many wait."""
    if problem.type == TooMany.type:
        return 429
    return 400 if problem.status == 422 else problem.status


def said(error: BackendError) -> dict[str, Any]:
    """Return an error of ours in OpenAI's form."""
    return form(problems.problem_of(error), getattr(error, "param", None))


def answer(problem: Problem, headers: dict[str, str] | None = None, param: str | None = None) -> Response:
    """Return the response that carries a problem in OpenAI's form."""
    made = Json(form(problem, param), status_of(problem))
    made.headers.update(headers or {})
    return made


def for_path(path: str) -> Callable[[Problem, dict[str, str]], Response]:
    """Return how a guard refuses a request for that path: in OpenAI's form where only its clients come."""
    return answer if path.endswith(PATHS) else problems.answer


def told(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with whatever can leave it told in OpenAI's form."""

    @functools.wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ClientDisconnect:
            return Response(status_code=LEFT)
        except Exception as error:
            return _of(request, error)

    return answered


def install(app: Starlette) -> None:
    """Tell every error that can leave a route of ``app`` in OpenAI's form."""
    for kind in (BackendError, HTTPException, Exception):
        app.add_exception_handler(kind, _of)


def _of(request: Request, error: Any) -> Response:
    if isinstance(error, BackendError):
        again = getattr(error, "again", None)
        head = None if again is None else {"retry-after": str(again)}
        return answer(problems.problem_of(error), head, param=getattr(error, "param", None))
    if isinstance(error, HTTPException):
        hint = getattr(request.app.state, "hints", problems.HINTS).get(error.status_code, "")
        word = error.detail.lower().replace(" ", "-")
        problem = Problem(type=word, title=f"{error.detail}.", status=error.status_code, hint=hint)
        return answer(problem, dict(error.headers or {}))
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = f"{request.method} {request.url.path} met an unforeseen {type(error).__name__}."
    return answer(Problem(type="error", title="The backend failed", status=500, detail=detail))
