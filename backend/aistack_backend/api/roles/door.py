"""What every request to a role must pass, and the sockets on which roles are served."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Set

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from aistack_backend.api.heads import Counted, judge
from aistack_backend.api.openai.errors import for_path
from aistack_backend.api.patience import PatientProtocol

BACKLOG = 64
CONNECTIONS = 64
"""Connections of one role served at once; one more is told 503."""


def tcp(host: str, port: int) -> socket.socket:
    """Listen on a TCP port.

    Raises:
        OSError: it cannot be had.
    """
    # the protocol is named, so that asyncio sees TCP and switches Nagle's wait off: 40 ms an answer
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


class RoleGuard:
    """Lets in who names the role as host and is no web page. It knows no person: nothing here needs one."""

    def __init__(self, app: ASGIApp, hosts: Set[str]) -> None:
        self.app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a problem, or pass the request on with its body counted."""
        if scope["type"] != "http":
            return
        if refused := judge(scope, self._hosts):
            await for_path(scope["path"])(refused, {"connection": "close"})(scope, receive, send)
            return
        await self.app(scope, Counted(receive), send)


class Door:
    """One listening socket with its application, on the running loop; it wakes only when somebody calls."""

    def __init__(self, app: ASGIApp, bound: socket.socket, connections: int = CONNECTIONS) -> None:
        self._bound = bound
        self._state = ServerState()
        self._config = Config(
            app,
            http=PatientProtocol,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            limit_concurrency=connections,
            h11_max_incomplete_event_size=16 * 1024,
        )
        self._config.load()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to take connections."""
        loop = asyncio.get_running_loop()

        def protocol() -> PatientProtocol:
            return PatientProtocol(self._config, self._state, {}, loop)

        if self._bound.family == socket.AF_UNIX:
            self._server = await loop.create_unix_server(protocol, sock=self._bound)
        else:
            self._server = await loop.create_server(protocol, sock=self._bound)

    async def close(self, grace: float = 1.0) -> None:
        """Take no more, give what runs ``grace`` seconds, then cut it off."""
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)  # one that was accepted in this very moment is a connection two steps later,
        await asyncio.sleep(0)  # and would be served for ever
        for connection in tuple(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            _, late = await asyncio.wait(self._state.tasks, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                for connection in tuple(self._state.connections):
                    connection.transport.abort()  # who does not read would keep it open
