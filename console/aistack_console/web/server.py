"""The dashboard's server: textual-serve's sessions behind our door, on loopback only."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.stack import Stack
from aistack_console.client.api import Client
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.web import pages
from aistack_console.web.guard import COOKIE, Door, middleware

SESSIONS = 4
"""Consoles that may be open at once: each is a process of 60 MiB."""
BODY = 4096


class Dashboard(Server):
    """Serves one console command to browsers of this machine."""

    def __init__(self, command: str, door: Door, client: Client, port: int) -> None:
        """``command``: a shell line that runs the console; it gets a pipe in place of a terminal."""
        super().__init__(command, host="127.0.0.1", port=port, title="aistack-console")
        self._door = door
        self._client = client
        self._open = 0

    async def application(self) -> web.Application:
        """Return the application: every route of it behind the door."""
        app = web.Application(middlewares=[middleware(self._door)], client_max_size=BODY)
        app.add_routes(
            [
                web.get("/", self._terminal),
                web.get("/ws", self._session),
                web.get("/dashboard.html", self._overview),
                web.get("/login", self._login_page),
                web.get("/login.js", self._login_script),
                web.post("/login", self._login),
                web.get("/healthz", self._healthz),
                web.static("/static", self.statics_path, follow_symlinks=False),
            ]
        )
        return app

    async def _terminal(self, request: web.Request) -> web.StreamResponse:
        return _html(pages.terminal(request.headers["Host"]))

    async def _session(self, request: web.Request) -> web.StreamResponse:
        if self._open >= SESSIONS:
            return web.Response(status=503, text=f"{SESSIONS} consoles are open here already: close one.\n")
        self._open += 1
        try:
            return await self.handle_websocket(request)
        finally:
            self._open -= 1

    async def _overview(self, _: web.Request) -> web.StreamResponse:
        stack, fleet, fault = await measured(self._client)
        return _html(pages.overview(stack, fleet, fault, time.time()))

    async def _login_page(self, _: web.Request) -> web.StreamResponse:
        return _html(pages.login())

    async def _login_script(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=pages.LOGIN_SCRIPT, content_type="text/javascript")

    async def _login(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return web.Response(status=415, text="Send JSON.\n")
        try:
            body = await request.json()
            token = body["token"]
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400, text='Send {"token": "…"}.\n')
        session = self._door.enter(token) if isinstance(token, str) else None
        if session is None:
            return web.Response(status=403, text="That is not the token.\n")
        answer = web.Response(status=204)
        answer.set_cookie(COOKIE, session, httponly=True, samesite="Strict", path="/")
        return answer

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})


async def measured(client: Client) -> tuple[Stack | None, Fleet | None, str]:
    """Return what the backend measured, and a sentence when it cannot be had."""
    try:
        return await client.stack(), None, ""
    except ClientError:  # a backend without a stack
        pass
    except ConsoleError as error:
        return None, None, error.sentence
    try:
        return None, await client.containers(), ""
    except ConsoleError as error:
        return None, None, error.sentence


async def serve(dashboard: Dashboard, ready: Callable[[], Awaitable[None]]) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; ``ready`` is called once the port listens.

    Raises:
        OSError: the port is in use, or may not be bound.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(await dashboard.application(), access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, dashboard.host, dashboard.port).start()
        await ready()
        await stop.wait()
    finally:
        await runner.cleanup()


def token_file(data_dir: Path) -> Path:
    """Return where the newest token is kept, readable by its owner only."""
    return data_dir / "run" / "dashboard.token"


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
