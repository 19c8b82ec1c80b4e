"""MCP over stdio: ``aistack-backend mcp`` in a client's configuration. It asks the running backend for each answer.

It holds nothing and may do only what the role aidb may: its calls go to ``/aidb`` on the operator's socket, where the
limits are kept and a submission is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from mcp.server.stdio import stdio_server

from aistack_backend.api.mcp.tools import server
from aistack_backend.errors import BackendError, Unavailable

WITHIN = 75.0
"""Seconds for one answer."""


class Far:
    """The role aidb of a backend, by its socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost/aidb", timeout=WITHIN)

    async def collections(self) -> Any:
        """See ``Answers``."""
        return await self._ask("GET", "/collections")

    async def search(self, body: Mapping[str, Any]) -> Any:
        """See ``Answers``."""
        return await self._ask("POST", "/search", dict(body))

    async def store(self, body: Mapping[str, Any]) -> Any:
        """See ``Answers``."""
        return await self._ask("POST", "/documents", dict(body))

    async def recall(self, number: int) -> Any:
        """See ``Answers``."""
        return await self._ask("GET", f"/documents/{number}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = await self._client.request(method, path, json=body)
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(
                f"No backend answers on {self._socket}.", "Start one: aistack-backend serve --detach"
            ) from error
        if answer.status_code != 200:
            raise BackendError(str(said.get("detail", f"It answered {answer.status_code}.")), str(said.get("hint", "")))
        return said


def serve(socket: Path) -> int:
    """Serve stdin and stdout until stdin ends; return the exit code."""
    asyncio.run(_serve(socket))
    return 0


async def _serve(socket: Path) -> None:
    far = Far(socket)
    made = server(lambda: far)
    try:
        async with stdio_server() as (reading, writing):
            await made.run(reading, writing, made.create_initialization_options())
    finally:
        await far.close()
