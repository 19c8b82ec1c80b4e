"""What the head of a request must say, whoever sends it: Host, Origin, site, media type, size (R4.3, R4.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Set

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from aistack_backend.wire.problems import Problem
from aistack_backend.wire.rendezvous import OPERATOR_HEADER

HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
BODY_LIMIT = 1024 * 1024
BODY_WITHIN = 30.0
"""Seconds from the head in which the whole body must have come."""
WATCHED = frozenset(
    name.encode()
    for name in (
        "host", "origin", "sec-fetch-site", "content-type", "content-length", "x-aistack-via", OPERATOR_HEADER,
    )
)  # fmt: skip
"""Headers that decide something: none may come twice."""
CHANGES = frozenset({"POST", "PUT", "PATCH"})


def judge(scope: Scope, hosts: Set[str] = HOSTS) -> Problem | None:
    """Return why a request is not let in, judged by its head alone; None when it is."""
    head = _head(scope)
    if head is None:
        return problem(400, "repeated-header", "A header that decides about access was sent twice.", "Send it once.")
    return _origin(head, hosts) or _body(scope["method"], head)


def _head(scope: Scope) -> dict[str, str] | None:
    head: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in WATCHED:
            if name.decode() in head:
                return None
            head[name.decode()] = value.decode("latin-1").strip()
    return head


def _origin(head: dict[str, str], hosts: Set[str]) -> Problem | None:
    name, _, port = head.get("host", "").rpartition(":") if _has_port(head) else (head.get("host", ""), "", "")
    if name.lower() not in hosts or (port and not port.isdigit()):
        return problem(
            421, "wrong-host", "The Host header names another host.", f"Use one of {', '.join(sorted(hosts))}."
        )
    if "origin" in head:
        return problem(403, "wrong-origin", "Web pages may not use this API.", "Send no Origin header.")
    if head.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return problem(403, "cross-site", "Another site's page may not use this API.", "Use a client of your own.")
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
        return problem(415, "wrong-media-type", "A request that changes something must be JSON.", hint)
    if not length.isdigit() or len(length) > 9 or int(length) > BODY_LIMIT:
        return problem(413, "too-large", f"The request's body is over {BODY_LIMIT} bytes.", "Send less at once.")
    return None


def problem(status: int, word: str, detail: str, hint: str) -> Problem:
    """Return a problem with the word as its title."""
    return Problem(type=word, title=word.replace("-", " ").capitalize(), status=status, detail=detail, hint=hint)


class Counted:
    """Ends a request whose body, sent without a length, grows over the limit, or does not come to its end in time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0
        self._whole = False
        self._until = asyncio.get_running_loop().time() + BODY_WITHIN

    async def __call__(self) -> Message:
        """Return the next message; after the whole body, wait for the caller's leaving as long as it takes.

        Raises:
            HTTPException: 413, the body is too large; 408, it did not come within ``BODY_WITHIN`` seconds.
        """
        try:
            async with asyncio.timeout_at(None if self._whole else self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "Too slow") from None
        self._whole = not message.get("more_body", False)
        self._seen += len(message.get("body", b""))
        if self._seen > BODY_LIMIT:
            raise HTTPException(413, "Too large")
        return message
