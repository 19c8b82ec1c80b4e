"""One question asked on both routes, so that what they cost and say stands side by side."""

from __future__ import annotations

import asyncio

from aistack_backend.errors import BadInput
from aistack_backend.orchestration.routing.coordinator import Asker, Coordinator
from aistack_backend.orchestration.routing.history import REPLAYED
from aistack_backend.orchestration.routing.rules import Order, shut_by
from aistack_backend.wire.routing import Replay, Route, RouteAnswer, RouteRequest


class Replays:
    """Belongs to one event loop."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def both(self, number: int, asker: Asker) -> Replay:
        """Ask the question of an interaction again, here and, where the rules let it, elsewhere; both are written down.

        It is asked as it lies in the telemetry: without its secrets, its context and its conversation.

        Raises:
            NotFound: there is no such interaction. BadInput: it asked nothing. TooOften: as ``route``.
        """
        rooms = self._coordinator.rooms
        rooms.rates.count(asker.client)
        told = await asyncio.to_thread(rooms.telemetry.get, number)
        if not told.interaction.query.strip():
            raise BadInput(f"Interaction {number} asked nothing.")
        request = RouteRequest(query=told.interaction.query, fresh=True)
        known = await self._coordinator.known(request, asker)
        shut = shut_by(known)
        near = await self._one(request, asker, Route.LOCAL, number)
        far = None if shut else await self._one(request, asker, Route.REMOTE, number)
        return Replay(of=number, local=near, remote=far, why=shut)

    async def _one(self, request: RouteRequest, asker: Asker, route: Route, number: int) -> RouteAnswer:
        why = f"Asked again on the {route.value} route, as interaction {number} was."
        order = Order(routes=(route,), reasons=(why,))
        return await self._coordinator.ordered(request, asker, order, REPLAYED)
