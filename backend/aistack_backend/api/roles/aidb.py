"""The role aidb over HTTP: documents, search, vectors and MCP, of one desk, within the limits of a caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.mcp.http import Passed
from aistack_backend.api.roles.asked import body_of, client_of
from aistack_backend.api.roles.desk import Desk
from aistack_backend.api.roles.site import Endpoint, Endpoints
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.routing.limits import A_MINUTE, AN_HOUR, Rates

GetDesk = Callable[[], Desk]
"""Returns the desk, or raises Unavailable while it is not open."""
Asking = Callable[[Desk, Request], Awaitable[Any]]


def endpoints(desk: GetDesk, clock: Clock) -> Endpoints:
    """Return what answers each of the role's routes."""
    rates = Rates(clock, A_MINUTE, AN_HOUR)

    def counted(asking: Asking) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            rates.count(client_of(request))
            return Json(await asking(desk(), request))

        return endpoint

    async def mcp(request: Request) -> Response:
        return Passed(desk, lambda: rates.count(client_of(request)))

    return {path: counted(asking) for path, asking in ROUTES.items()} | {"/mcp": mcp}


async def documents(desk: Desk, request: Request) -> Any:
    """Submit a text, or list the newest documents."""
    if request.method == "POST":
        return await desk.submit(await body_of(request))
    asked = request.query_params
    return await desk.documents(asked.get("collection", ""), number(asked.get("limit", "20"), "limit"))


async def one(desk: Desk, request: Request) -> Any:
    """Return one document with its text."""
    return await desk.document(request.path_params["id"])


async def collections(desk: Desk, _: Request) -> Any:
    """Return every collection."""
    return await desk.collections()


async def search(desk: Desk, request: Request) -> Any:
    """Search by words, meaning or both."""
    return await desk.search(await body_of(request))


async def near(desk: Desk, request: Request) -> Any:
    """Search by meaning alone."""
    return await desk.near(await body_of(request))


async def embed(desk: Desk, request: Request) -> Any:
    """Turn texts into vectors."""
    return await desk.embed(await body_of(request))


ROUTES: dict[str, Asking] = {
    "/collections": collections,
    "/documents": documents,
    "/documents/{id:int}": one,
    "/search": search,
    "/vector/search": near,
    "/vector/embed": embed,
}


def number(text: str, name: str) -> int:
    """Return a whole number of the query.

    Raises:
        BadInput: it is none.
    """
    if not text.isdecimal() or len(text) > 6:
        raise BadInput(f"{name} is {text[:40]!r}; a whole number would be right.")
    return int(text)
