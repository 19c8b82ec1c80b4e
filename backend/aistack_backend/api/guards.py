"""What a request must pass before a route sees it: peer, Host, Origin, site, media type, size (R4.3, R4.4)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from aistack_backend.api.heads import BODY_LIMIT, Counted, judge, problem
from aistack_backend.api.openai.errors import for_path
from aistack_backend.api.peers import may_connect
from aistack_backend.wire.problems import Problem

__all__ = ["BODY_LIMIT", "Guard", "refusal"]
OPEN = frozenset({"/healthz"})
"""Fixed answers that tell nothing: no identity is needed."""


class Guard:
    """Plain ASGI middleware; a refused request never reaches the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a problem, or pass the request on with its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if refused := refusal(scope):
            await for_path(scope["path"])(refused, {"connection": "close"})(scope, receive, send)
            return
        await self.app(scope, Counted(receive), send)


def refusal(scope: Scope) -> Problem | None:
    """Return why a request is not let in, judged by its head alone; None when it is."""
    judged = judge(scope)
    if judged is not None and judged.type == "repeated-header":
        return judged
    if scope["path"] not in OPEN and not may_connect(scope.get("state", {}).get("peer")):
        return problem(403, "stranger", "Only the backend's own user may use it.", "Start your own backend.")
    return judged
