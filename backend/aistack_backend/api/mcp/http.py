"""MCP over streamable HTTP at a role's ``/mcp``: every request stands alone, and is answered in JSON.

There are no sessions, so nothing is held between two requests and nobody can take over another's. The role's guard has
judged Host, Origin, media type and size before anything here runs.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aistack_backend.api.roles.desk import Desk

if TYPE_CHECKING:
    from mcp.server import Server


class OfDesk:
    """A desk as the tools ask it; ``count`` is called for each tool's call."""

    def __init__(self, desk: Desk, count: Callable[[], None]) -> None:
        self._desk, self._count = desk, count

    async def collections(self) -> Any:
        """See ``Answers``."""
        self._count()
        return await self._desk.collections()

    async def search(self, body: Mapping[str, Any]) -> Any:
        """See ``Answers``."""
        self._count()
        return await self._desk.search(dict(body))

    async def store(self, body: Mapping[str, Any]) -> Any:
        """See ``Answers``."""
        self._count()
        return await self._desk.submit(dict(body))

    async def recall(self, number: int) -> Any:
        """See ``Answers``."""
        self._count()
        return await self._desk.document(number)


class Passed(Response):
    """Lets the SDK answer the request; the SDK is loaded with the first one, since it takes a second."""

    def __init__(self, desk: Callable[[], Desk], count: Callable[[], None]) -> None:
        super().__init__()
        self._desk, self._count = desk, count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        tools = await asyncio.to_thread(importlib.import_module, "aistack_backend.api.mcp.tools")
        manager = await asyncio.to_thread(importlib.import_module, "mcp.server.streamable_http_manager")
        server: Server[Any] = tools.server(lambda: OfDesk(self._desk(), self._count))
        alone = manager.StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with alone.run():
            await alone.handle_request(scope, receive, send)
