"""The hybrid coordinator in its container: its port answers at once, and what it waits for stands in its health.

Nothing heavy is imported here: the rest of the house comes in a thread, once the port is bound.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.checks import Need
from aistack_backend.api.roles.site import Endpoint, Endpoints
from aistack_backend.errors import BackendError, Unavailable

if TYPE_CHECKING:
    from aistack_backend.orchestration.routing.coordinator import Coordinator

GROUND, ANSWERING = "aistack_backend.api.roles.hybrid_ground", "aistack_backend.api.roles.hybrid"
RETRY = 2.0
"""Seconds between two tries to reach the store."""


class OwnCoordinator:
    """One coordinator on the stack's PostgreSQL and its own model. Belongs to one event loop."""

    def __init__(self, role: Role, env: Mapping[str, str]) -> None:
        self._role, self._env = role, env
        self._downs = AsyncExitStack()
        self._held: Coordinator | None = None
        self._answering: Endpoints = {}
        self._fault: BackendError = Unavailable("It is being raised.", "Try again in a moment.")
        self._raising: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    def start(self) -> None:
        """Begin to raise it, again and again until the store answers."""
        self._raising = asyncio.create_task(self._raise())

    async def settled(self) -> None:
        """Wait until it is there."""
        if self._raising is not None:
            await self._raising

    async def tried(self) -> None:
        """Wait for the end of the next try to raise it."""
        await self._tried.wait()

    async def stop(self) -> None:
        """Let go of endpoints and store."""
        if self._raising is not None:
            self._raising.cancel()
            await asyncio.gather(self._raising, return_exceptions=True)
        await self._downs.aclose()

    def coordinator(self) -> Coordinator:
        """Return it.

        Raises:
            Unavailable: it is not there yet; the sentence says what it waits for.
        """
        if self._held is None:
            raise Unavailable(f"The coordinator is not there yet. {self._fault.detail}", self._fault.hint)
        return self._held

    def need(self) -> Need:
        """Return the check that it is there."""

        async def ask() -> str:
            self.coordinator()
            return "The coordinator takes questions."

        return Need("coordinator", ask)

    def endpoints(self) -> Endpoints:
        """Return what answers each route: 503 with what is waited for until it is there."""
        return {path: self._late(path) for path in ("/metrics", *(one.path for one in self._role.routes))}

    def _late(self, path: str) -> Endpoint:
        async def answered(request: Request) -> Response:
            if path == "/metrics" and self._held is None:
                return Response(b"")
            self.coordinator()
            return await self._answering[path](request)

        return answered

    async def _raise(self) -> None:
        while self._held is None:
            try:
                self._held = await self._raised()
            except BackendError as error:
                self._fault = error
                self._tried.set()
                await asyncio.sleep(RETRY)

    async def _raised(self) -> Coordinator:
        ground = await asyncio.to_thread(importlib.import_module, GROUND)
        config, database = await asyncio.to_thread(ground.opened, self._env)
        async with AsyncExitStack() as downs:
            downs.push_async_callback(asyncio.to_thread, database.close)
            made: Coordinator = await ground.coordinator(self._env, config, database, downs)
            answering = await asyncio.to_thread(importlib.import_module, ANSWERING)
            self._answering = answering.endpoints(self._role, lambda: made)
            self._downs = downs.pop_all()
        return made
