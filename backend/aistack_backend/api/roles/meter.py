"""A role's numbers for Prometheus: requests by route and by caller, and whether its last health was a yes."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aistack_backend.api.roles.callers import Callers


class Meter:
    """Counts the requests of one role, in a registry of its own."""

    media = CONTENT_TYPE_LATEST

    def __init__(self, role: str) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "aistack_role_requests", "Requests answered.", ["role", "route", "status"], registry=self._registry
        )
        self._healthy = Gauge(
            "aistack_role_healthy", "1 = the last answer to /health was a yes.", ["role"], registry=self._registry
        )
        self._role = role
        self.callers = Callers(role)
        self._registry.register(self.callers)

    def healthy(self, yes: bool) -> None:
        """Remember the last health answer."""
        self._healthy.labels(self._role).set(yes)

    def text(self) -> bytes:
        """Return all numbers in Prometheus's text form."""
        return generate_latest(self._registry)

    def counting(self, app: ASGIApp, routes: Mapping[object, str]) -> ASGIApp:
        """Return ``app``, with its answers counted by route, as ``routes`` names each endpoint's.

        Never by path: a stranger chooses paths.
        """

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = routes.get(scope.get("endpoint"), "none")
                    self._requests.labels(self._role, route, str(message["status"])).inc()
                await send(message)

            await app(scope, receive, noted)

        return counted
