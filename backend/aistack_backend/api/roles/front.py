"""A control role in its container: it knows its routes, holds nothing, and asks the host's backend for each answer."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend import tracing
from aistack_backend.api.roles.checks import WITHIN_BELOW, Need
from aistack_backend.api.roles.site import Endpoint
from aistack_backend.errors import Unavailable

TIMEOUT = 75.0
"""Seconds that the backend may take for one answer; it makes a caller wait for a task at most 60."""
AT_ONCE = 32
"""Answers that are waited for at once: each takes a thread, and a slow one must not keep the others waiting."""
LARGEST = 16 * 1024 * 1024
"""Bytes of an answer that is passed on."""


class Backend:
    """The host's backend, as one role reaches it over its mounted socket."""

    def __init__(self, role: str, path: Path) -> None:
        self._role = role
        self._path = path
        self._threads = ThreadPoolExecutor(AT_ONCE, f"{role}-front")

    def need(self) -> Need:
        """Return the check that the backend answers for this role."""

        async def ask() -> str:
            status, _, body = await asyncio.to_thread(self.call, "GET", "/health", b"", "", WITHIN_BELOW)
            if status != 200:
                raise Unavailable(_detail(body) or f"The backend answered {status}.")
            return "The host's backend answers."

        return Need("backend", ask, WITHIN_BELOW)

    def endpoint(self) -> Endpoint:
        """Return what passes a request on as it is and gives back the backend's answer."""

        async def passed_on(request: Request) -> Response:
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            kind = request.headers.get("content-type", "")
            body = await request.body()
            trace = tracing.header(request.headers.get("traceparent", ""))
            asking = partial(self.call, request.method, target, body, kind, trace=trace)
            status, media, said = await asyncio.get_running_loop().run_in_executor(self._threads, asking)
            return Response(said, status, media_type=media)

        return passed_on

    def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        kind: str = "",
        timeout: float = TIMEOUT,
        trace: Mapping[str, str] | None = None,
    ) -> tuple[int, str, bytes]:
        """Return status, media type and body of the backend's answer; ``trace`` names the trace that it goes on.

        Raises:
            Unavailable: it does not answer.
        """
        connection = _Local(self._path, timeout)
        try:
            head = {**(trace or {}), **({"Content-Type": kind} if kind else {})}
            connection.request(method, target, body or None, head)
            answer = connection.getresponse()
            said = answer.read(LARGEST + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"The backend of {self._role} does not answer on {self._path}: {error}.",
                "Start it on the host: aistack-backend serve --detach",
            ) from error
        finally:
            connection.close()
        if len(said) > LARGEST:
            raise Unavailable(f"The backend's answer is over {LARGEST} bytes.", "Ask for less.")
        return answer.status, answer.getheader("content-type", "application/json"), said


class _Local(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _detail(body: bytes) -> str:
    import msgspec

    try:
        return str(msgspec.json.decode(body).get("detail", ""))
    except (msgspec.DecodeError, AttributeError):
        return ""
