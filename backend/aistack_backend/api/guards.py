"""What a request must pass before a route sees it: peer, Host, Origin, site, media type, size (R4.3, R4.4)."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aistack_backend.api.peers import may_connect
from aistack_backend.api.problems import answer
from aistack_backend.wire.problems import Problem

HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
BODY_LIMIT = 1024 * 1024
CHANGES = frozenset({"POST", "PUT", "PATCH"})
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
        if problem := refusal(scope):
            await answer(problem, {"connection": "close"})(scope, receive, send)
            return
        await self.app(scope, _Counted(receive), send)


def refusal(scope: Scope) -> Problem | None:
    """Return why a request is not let in, judged by its head alone; None when it is."""
    head = _head(scope)
    if head is None:
        return _problem(400, "repeated-header", "A header that decides about access was sent twice.", "Send it once.")
    if scope["path"] not in OPEN and not may_connect(scope.get("state", {}).get("peer")):
        return _problem(403, "stranger", "Only the backend's own user may use it.", "Start your own backend.")
    return _origin(head) or _body(scope["method"], head)


def _head(scope: Scope) -> dict[str, str] | None:
    watched = (b"host", b"origin", b"sec-fetch-site", b"content-type", b"content-length", b"x-aistack-via")
    head: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in watched:
            if name.decode() in head:
                return None
            head[name.decode()] = value.decode("latin-1").strip()
    return head


def _origin(head: dict[str, str]) -> Problem | None:
    name, _, port = head.get("host", "").rpartition(":") if _has_port(head) else (head.get("host", ""), "", "")
    if name.lower() not in HOSTS or (port and not port.isdigit()):
        return _problem(421, "wrong-host", "The Host header names another host.", "Use Host: localhost.")
    if "origin" in head:
        return _problem(403, "wrong-origin", "Web pages may not use this API.", "Send no Origin header.")
    if head.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return _problem(403, "cross-site", "Another site's page may not use this API.", "Use a client of your own.")
    return None


def _has_port(head: dict[str, str]) -> bool:
    host = head.get("host", "")
    return ":" in host and not host.endswith("]")


def _body(method: str, head: dict[str, str]) -> Problem | None:
    kind = head.get("content-type", "").split(";")[0].strip().lower()
    length = head.get("content-length", "0")
    bare = not kind and length == "0" and "x-aistack-via" in head  # no page can send that header unasked
    if (kind or method in CHANGES) and kind != "application/json" and not bare:
        hint = "Send Content-Type: application/json; without a body, X-Aistack-Via will do."
        return _problem(415, "wrong-media-type", "A request that changes something must be JSON.", hint)
    if not length.isdigit() or len(length) > 9 or int(length) > BODY_LIMIT:
        return _problem(413, "too-large", f"The request's body is over {BODY_LIMIT} bytes.", "Send less at once.")
    return None


def _problem(status: int, word: str, detail: str, hint: str) -> Problem:
    return Problem(type=word, title=word.replace("-", " ").capitalize(), status=status, detail=detail, hint=hint)


class _Counted:
    """Ends a request whose body, sent without a length, grows over the limit."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > BODY_LIMIT:
            raise HTTPException(413, "Too large")
        return message
