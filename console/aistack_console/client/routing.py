"""The calls of the coordinator: a question and its way, and what is kept of them."""

from __future__ import annotations

from aistack_backend.wire.routing import (
    FeedbackRequest,
    Lock,
    LockRequest,
    OutboundList,
    Replay,
    RouteAnswer,
    Routed,
    RouteList,
    RouteRequest,
    RouteStats,
    Routing,
)
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
        return await self._get("/v1/routes", RouteList, params={"most": most})

    async def one_route(self, number: int) -> Routed:
        """Return one question and the way it took."""
        return await self._get(f"/v1/routes/{number}", Routed)

    async def replay_route(self, number: int) -> Replay:
        """Ask a question again on both routes."""
        return await self._post(f"/v1/routes/{number}/replay", None, Replay, PATIENCE)

    async def judge_route(self, request: FeedbackRequest) -> Routed:
        """Judge an answer."""
        return await self._post("/v1/feedback", request, Routed)

    async def routing(self) -> Routing:
        """Return the lock, the budgets and who would be asked, in order."""
        return await self._get("/v1/routing", Routing)

    async def lock_routing(self, locked: bool) -> Lock:
        """Close or open the way out of this machine."""
        return await self._post("/v1/routing/lock", LockRequest(locked=locked), Lock)

    async def route_stats(self, seconds: float = 86_400.0) -> RouteStats:
        """Return how the questions of the last seconds went."""
        return await self._get("/v1/routing/stats", RouteStats, params={"seconds": seconds})

    async def outbound(self, interaction: int | None = None, most: int = 50) -> OutboundList:
        """Return what left this machine for questions, of one when it is named."""
        which = {} if interaction is None else {"interaction": interaction}
        return await self._get("/v1/outbound", OutboundList, params={"most": most, **which})
