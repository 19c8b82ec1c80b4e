"""Requests that change something, as spans, each in the trace that its ``traceparent`` names or in a new one."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aistack_backend import tracing
from aistack_backend.api.heads import CHANGES

METHODS = CHANGES | {"DELETE"}
QUIET = frozenset({"/v1/traces/spans"})
"""What makes no span: it tells of others."""


class Traced:
    """Plain ASGI middleware, behind the guard: a stranger's header names no trace here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; it is a span when spans are made and it may change something."""
        if not tracing.on() or scope["type"] != "http" or scope["method"] not in METHODS or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        head = dict(scope["headers"])
        parent = tracing.told(head.get(b"traceparent", b"").decode("latin-1"))
        via = head.get(b"x-aistack-via", b"").decode("latin-1")
        with tracing.span(scope["method"], parent, via=via if via in ("tui", "cli") else "api") as made:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    made.set_attribute("status", message["status"])
                    if message["status"] >= 400:
                        tracing.failed(made, str(message["status"]))
                await send(message)

            await self.app(scope, receive, noted)
            if route := getattr(scope.get("route"), "path", ""):
                made.update_name(f"{scope['method']} {route.replace(':int', '')}")
