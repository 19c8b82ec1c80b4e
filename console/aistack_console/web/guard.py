"""Who may talk to the dashboard: Host, Origin and site on every route, a session on all that shows more than names.

textual-serve answers any Host, and its WebSocket any Origin: a page of another site could drive the console. So each
request passes here first, the WebSocket's too.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

COOKIE = "aistack_session"
OPEN = frozenset({"/dashboard.html", "/login", "/login.js", "/healthz"})
"""Routes that need no session: they name services and their state, or let somebody in with the token."""
SITES = frozenset({"none", "same-origin"})
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
WATCHED = ("Host", "Origin", "Sec-Fetch-Site", "Cookie")


class Door:
    """One token at a time, each good for one session; sessions end with the process."""

    def __init__(self, token_file: Path, port: int) -> None:
        self._file = token_file
        names = ("localhost", "127.0.0.1", "[::1]")
        self._hosts = frozenset(f"{name}:{port}" for name in names)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._sessions: set[str] = set()
        self._token = ""
        self.renew()

    def renew(self) -> str:
        """Make a new token, keep it in the file (0600), and return it."""
        self._token = secrets.token_urlsafe(32)
        self._file.unlink(missing_ok=True)
        self._file.touch(mode=0o600, exist_ok=False)
        self._file.write_text(self._token + "\n")
        return self._token

    def enter(self, token: str) -> str | None:
        """Use the token up and return a new session's secret; None when it is not the token."""
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        self.renew()
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        return session

    def refusal(self, request: web.Request) -> tuple[int, str] | None:
        """Return status and sentence when a request is not let in."""
        if any(len(request.headers.getall(name, [])) > 1 for name in WATCHED):
            return 400, "A header that decides about access was sent twice."
        if request.headers.get("Host", "").lower() not in self._hosts:
            return 421, "The Host header names another host: use 127.0.0.1 or localhost, with the port."
        origin = request.headers.get("Origin")
        if origin is not None and (origin not in self._origins or origin != f"http://{request.headers['Host']}"):
            return 403, "A page of another site may not use this."
        if request.headers.get("Sec-Fetch-Site", "none") not in SITES and request.path not in OPEN:
            return 403, "A page of another site may not use this."
        if request.path == "/ws" and origin is None:
            return 403, "A WebSocket must say its Origin."
        if request.path in OPEN or self._knows(request.cookies.get(COOKIE, "")):
            return None
        return 401, "This needs a session: run aistack-console dashboard --link, and open what it prints."

    def _knows(self, session: str) -> bool:
        return any(secrets.compare_digest(session.encode(), known.encode()) for known in self._sessions)


def middleware(door: Door) -> Middleware:
    """Return the middleware that asks the door and puts the safe headers on every answer."""

    @web.middleware
    async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
        if refused := door.refusal(request):
            status, sentence = refused
            return safe(web.Response(status=status, text=sentence + "\n"))
        return safe(await handler(request))

    return ask


def safe(answer: web.StreamResponse) -> web.StreamResponse:
    """Add what keeps a page from being framed, sniffed, cached, or from loading anything of another site."""
    if not answer.prepared:
        answer.headers.update(
            {
                "Content-Security-Policy": POLICY,
                "X-Frame-Options": "DENY",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
            }
        )
    return answer
