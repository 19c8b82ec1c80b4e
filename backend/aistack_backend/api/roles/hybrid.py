"""The hybrid coordinator's routes: ask, and read how it went. None of them opens the lock."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.roles.asked import body_of, read
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.site import Endpoints
from aistack_backend.orchestration.routing.coordinator import Asker, Coordinator
from aistack_backend.wire.routing import RouteRequest

GetCoordinator = Callable[[], Coordinator]
DOOR = "hybrid:"
"""Stands before the name of each session of this role."""


def endpoints(role: Role, coordinator: GetCoordinator) -> Endpoints:
    """Return the role's routes; ``coordinator`` raises Unavailable while there is none."""

    async def route(request: Request) -> Response:
        wish: RouteRequest = read(await body_of(request), RouteRequest)
        return Json(await coordinator().route(wish, asker(role, request)))

    return {"/route": route}


def asker(role: Role, request: Request) -> Asker:
    """Return who asks, by the address that it comes from."""
    where = request.client.host if request.client else "socket"
    return Asker(client=f"role:{role.id} {where}", door=DOOR)
