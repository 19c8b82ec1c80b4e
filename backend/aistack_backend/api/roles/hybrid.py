"""The hybrid coordinator's routes: ask, and read how it went. None of them opens the lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.lines import Json
from aistack_backend.api.roles.asked import body_of, read
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.site import Endpoints
from aistack_backend.errors import Unavailable
from aistack_backend.orchestration.routing import feedback, history
from aistack_backend.orchestration.routing.context import gathered
from aistack_backend.orchestration.routing.coordinator import Asker, Coordinator
from aistack_backend.orchestration.routing.stats import DAY, stats
from aistack_backend.wire.routing import ContextRequest, FeedbackRequest, Routed, RouteRequest

GetCoordinator = Callable[[], Coordinator]
DOOR = "hybrid:"
"""Stands before the name of each session of this role."""


def endpoints(role: Role, coordinator: GetCoordinator) -> Endpoints:
    """Return the role's routes; ``coordinator`` raises Unavailable while there is none."""

    async def route(request: Request) -> Response:
        wish: RouteRequest = read(await body_of(request), RouteRequest)
        return Json(await coordinator().route(wish, asker(role, request)))

    async def multi_turn(request: Request) -> Response:
        wish: ContextRequest = read(await body_of(request), ContextRequest)
        return Json(await gathered(coordinator().rooms, wish, asker(role, request)))

    async def judged(request: Request) -> Response:
        said: FeedbackRequest = read(await body_of(request), FeedbackRequest)
        return Json(await asyncio.to_thread(_judge, coordinator(), said, asker(role, request)))

    async def statistics(_: Request) -> Response:
        held = coordinator()
        return Json(await asyncio.to_thread(stats, held.database, held.now() - DAY))

    async def numbers(_: Request) -> Response:
        try:
            return Response(coordinator().metrics.text())
        except Unavailable:  # the role's own numbers are told all the same
            return Response(b"")

    return {
        "/route": route,
        "/context/multi_turn": multi_turn,
        "/feedback": judged,
        "/stats": statistics,
        "/metrics": numbers,
    }


def asker(role: Role, request: Request) -> Asker:
    """Return who asks, by the address that it comes from."""
    where = request.client.host if request.client else "socket"
    return Asker(client=f"role:{role.id} {where}", door=DOOR)


def _judge(held: Coordinator, said: FeedbackRequest, by: Asker) -> Routed:
    held.rooms.rates.count(by.client)
    found = feedback.verdict(said)
    telemetry = held.rooms.telemetry
    history.one(telemetry, said.interaction_id)  # a task's interaction is not judged at this door
    return history.routed(telemetry.judge(said.interaction_id, found, by.client, said.correction))
