"""The calls of the coordinator: a question and its way, and what is kept of them."""

from __future__ import annotations

from aistack_backend.wire.routing import RouteAnswer, RouteList, RouteRequest
from aistack_console.client.calls import Calls

PATIENCE = 1_200.0
"""Seconds for an answer: a slow machine, several samples, and an endpoint after that."""


class RoutingCalls(Calls):
    """See :class:`~aistack_console.client.api.Client`."""

    async def route(self, request: RouteRequest) -> RouteAnswer:
        """Ask a question; the answer says which way it took."""
        return await self._post("/v1/route", request, RouteAnswer, PATIENCE)

    async def routes(self, most: int = 100) -> RouteList:
        """Return the newest questions."""
        return await self._get(f"/v1/routes?most={most}", RouteList)
