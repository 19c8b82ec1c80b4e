"""One call and one stream over the backend's Unix socket, decoded; the routes stand in ``api`` and beside it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aistack_backend.wire.rendezvous import OPERATOR_HEADER
from aistack_console.client.asked import AskedLog
from aistack_console.client.decode import decode, decode_problem
from aistack_console.client.http import CONNECT, Answer, exchange, target
from aistack_console.client.spans import Spans
from aistack_console.errors import BackendDown, ClientError, OtherVersion
from aistack_console.text import Mode

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

TIMEOUT = 15.0
"""Seconds that one ordinary call may take; streams wait for ever."""
LONG = 180.0
"""Seconds for a call that makes the backend look at every service before it answers."""


class Calls:
    """How every route is called: ``ClientError`` when the backend refuses, ``BackendDown`` when it does not answer."""

    def __init__(self, socket_path: Path, via: str = "tui", operator: str = "") -> None:
        """``operator``: ``NAME:KEY`` of the operator's key, sent with every call; empty = the account alone."""
        self.socket_path = socket_path
        self.via = via
        self.refusal = ""
        """Why this connection changes nothing: every call but a GET raises ``OtherVersion`` with it; empty = it may."""
        self._said = {"X-Aistack-Via": via} | ({OPERATOR_HEADER: operator} if operator else {})
        self.spans = Spans(socket_path, self._said)
        """What is measured of the calls that may change something, for the backend's traces."""
        self.asked = AskedLog()
        """What was asked through this connection."""
        self._http: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Let go of the calls' connections; whoever follows a stream ends it by leaving it."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Answer]:
        """Open a streamed answer; it never times out once it is connected."""
        self._may(method)
        with self.spans.measuring(method, path) as begun:
            said = {**self._said, **begun, **(headers or {})}
            try:
                async with exchange(self.socket_path, method, target(path, params), said, content) as answer:
                    if answer.status >= 400:
                        raise ClientError(decode_problem(await answer.read(), answer.status))
                    yield answer
            except OSError as error:
                raise self._down(error) from error

    async def _lines(self, method: str, path: str, kind: type[T], mode: Mode, **arguments: Any) -> AsyncIterator[T]:
        async with self.stream(method, path, **arguments) as answer:
            async for line in answer.lines():
                if line.strip():
                    yield decode(line, kind, mode)

    async def _get(
        self,
        path: str,
        kind: type[T],
        *,
        params: dict[str, Any] | None = None,
        mode: Mode = "show",
        patience: float = TIMEOUT,
    ) -> T:
        return decode(await self._call("GET", path, params=params, timeout=patience), kind, mode)

    async def _post(self, path: str, request: object | None, kind: type[T], patience: float = TIMEOUT) -> T:
        body: dict[str, Any] = {} if request is None else {"content": encode(request), "headers": JSON_BODY}
        if patience != TIMEOUT:
            body["timeout"] = patience
        with self.asked.noting("POST", path, request) as one:
            answer = decode(await self._call("POST", path, **body), kind)
            one.answer = answer
        return answer

    def _may(self, method: str) -> None:
        if self.refusal and method != "GET":
            raise OtherVersion(self.refusal)

    async def _call(self, method: str, path: str, **arguments: Any) -> bytes:
        self._may(method)
        await asyncio.to_thread(importlib.import_module, "httpx")
        import httpx

        with self.spans.measuring(method, path) as begun:
            headers = {**begun, **arguments.pop("headers", {})}
            try:
                response = await self._calls().request(method, path, headers=headers, **arguments)
            except (httpx.HTTPError, OSError) as error:
                raise self._down(error) from error
            if response.is_error:
                raise ClientError(decode_problem(response.content, response.status_code))
            return response.content

    def _calls(self) -> httpx.AsyncClient:
        """Return the one client of all calls, made when it is first asked for."""
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(
                    uds=str(self.socket_path),
                    verify=False,
                    limits=httpx.Limits(max_keepalive_connections=0),  # a kept one may be closing as it is used
                ),
                trust_env=False,
                base_url="http://localhost",
                timeout=httpx.Timeout(TIMEOUT, connect=CONNECT),
                headers=self._said,
            )
        return self._http

    def _down(self, error: Exception) -> BackendDown:
        cause = error.__cause__ or error
        said = getattr(cause, "strerror", None) or str(error) or type(error).__name__
        return BackendDown(f"The backend does not answer on {self.socket_path} ({said}).", "Run aistack-backend serve.")


JSON_BODY = {"Content-Type": "application/json"}
"""Headers of a call with a body."""


def encode(request: object) -> bytes:
    """Return a wire type as JSON."""
    import msgspec

    return msgspec.json.encode(request)
