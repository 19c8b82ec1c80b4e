"""uvicorn on our own socket: streams end first when it stops, and its protocol tells who connected."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from aistack_backend.api.peers import PeerProtocol

log = logging.getLogger(__name__)
CONNECTIONS = 200
"""Connections served at once; one more is told 503."""
GRACE = 3
"""Seconds that running requests get after the streams were ended."""


class Server(uvicorn.Server):
    """Ends on SIGTERM, SIGINT or ``stop()``; closes every open stream first so that nothing has to time out."""

    def __init__(self, app: FastAPI, ready: Callable[[], None] = lambda: None) -> None:
        """``ready`` is called once, when the first request could be answered."""
        config = uvicorn.Config(
            app,
            http=PeerProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=CONNECTIONS,
            h11_max_incomplete_event_size=16 * 1024,
        )
        super().__init__(config)
        self.stopping = asyncio.Event()
        self._ready = ready
        app.state.stop = self.stop
        app.state.stopping = self.stopping

    def stop(self) -> None:
        """Begin the shutdown; safe from the loop's thread only."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let SIGTERM and SIGINT end the loop cleanly; a second one ends it at once. SIGHUP is for terminals.

        Not by the loop's own handlers: a signal that comes while its wakeup pipe is full is lost to them.
        """
        ours: dict[signal.Signals, signal.Handlers | Callable[[int, FrameType | None], None]] = {
            signal.SIGTERM: self._signalled,
            signal.SIGINT: self._signalled,
            signal.SIGHUP: signal.SIG_IGN,
        }
        before = {number: signal.signal(number, handler) for number, handler in ours.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _signalled(self, _: int, __: FrameType | None) -> None:
        if self.should_exit:
            log.warning("told to end a second time: ending at once")
            os._exit(1)  # what is durable is durable already; the next start finds out what was cut off
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bring the application up, take connections, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the connections, then the parts."""
        self.stopping.set()
        await super().shutdown(sockets)
