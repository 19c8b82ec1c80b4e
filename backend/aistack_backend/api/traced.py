"""Requests that change something, as spans, each in the trace that its ``traceparent`` names or in a new one."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aistack_backend import tracing
from aistack_backend.api.heads import CHANGES

METHODS = CHANGES | {"DELETE"}
QUIET = frozenset({"/v1/spans"})
"""What makes no span: it tells of others."""


MADE = "aistack.traced"
"""In a request's scope once it is a span: what is mounted inside makes no second one."""


class Traced:
    """Plain ASGI middleware, behind the guard: a stranger's header names no trace here."""

    def __init__(self, app: ASGIApp, role: str = "", routes: Mapping[object, str] | None = None) -> None:
        """``role``: whose door it is; ``routes``: the path of each endpoint, where the application does not tell."""
        self.app = app
        self._said = {"role": role} if role else {}
        self._routes = routes or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; it is a span when spans are made and it may change something."""
        wanted = tracing.on() and scope["type"] == "http" and MADE not in scope
        if not wanted or scope["method"] not in METHODS or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        scope[MADE] = True
        head = dict(scope["headers"])
        parent = tracing.told(head.get(b"traceparent", b"").decode("latin-1"))
        via = head.get(b"x-aistack-via", b"").decode("latin-1")
        said = self._said or {"via": via if via in ("tui", "cli") else "api"}
        with tracing.span(scope["method"], parent, **said) as made:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    made.set_attribute("status", message["status"])
                    if message["status"] >= 400:
                        tracing.failed(made, str(message["status"]))
                await send(message)

            await self.app(scope, receive, noted)
            if route := self._routes.get(scope.get("endpoint"), getattr(scope.get("route"), "path", "")):
                made.update_name(f"{scope['method']} {route.replace(':int', '')}")
