"""The role nixos-docs in its container: an index in the stack's PostgreSQL, filled from the files in one folder.

Nothing heavy is imported here: the rest of the house comes in a thread, once the port is bound.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.checks import Need
from aistack_backend.api.roles.site import Endpoint, Endpoints
from aistack_backend.errors import BackendError, Unavailable

if TYPE_CHECKING:
    from aistack_backend.api.roles.nixos_ground import NixGround

GROUND = "aistack_backend.api.roles.nixos_ground"
FOLDER = "/data/nixos"
"""Where files are put: ``packages.json``, ``options.json``, manuals; those of a folder in it are of that channel."""
RETRY, LOOK = 2.0, 30.0
"""Seconds between two tries to reach the store, and between two looks into the folder."""
log = logging.getLogger(__name__)


class OwnNixos:
    """One index on the stack's PostgreSQL. Belongs to one event loop."""

    def __init__(self, role: Role, env: Mapping[str, str], *, look: float = LOOK) -> None:
        self._role, self._env, self._look = role, env, look
        self._ground: NixGround | None = None
        self._fault: BackendError = Unavailable("It is being opened.", "Try again in a moment.")
        self._working: asyncio.Task[None] | None = None
        self.looked = asyncio.Event()
        """Set once what lay in the folder at the start was read in."""

    def start(self) -> None:
        """Begin to open the index, again and again until the store answers; then to look into the folder."""
        self._working = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Let go of the store."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        if self._ground is not None:
            await asyncio.to_thread(self._ground.close)

    def need(self) -> Need:
        """Return the check that the index is there; that it is empty is no fault, and is said."""

        async def ask() -> str:
            return await asyncio.to_thread(self._held().standing)

        return Need("index", ask)

    def endpoints(self) -> Endpoints:
        """Return what answers each route: 503 with what is waited for until it is there."""
        return {one.path: self._late(one.path) for one in self._role.routes}

    def _held(self) -> NixGround:
        if self._ground is None:
            raise Unavailable(f"The index of NixOS is not there yet. {self._fault.detail}", self._fault.hint)
        return self._ground

    def _late(self, path: str) -> Endpoint:
        async def answered(request: Request) -> Response:
            return await self._held().endpoints[path](request)

        return answered

    async def _work(self) -> None:
        folder = Path(self._env.get("AISTACK_NIXOS_FOLDER", FOLDER))
        while self._ground is None:
            try:
                ground = await asyncio.to_thread(importlib.import_module, GROUND)
                self._ground = await asyncio.to_thread(ground.opened, self._env, folder)
            except BackendError as error:
                self._fault = error
                await asyncio.sleep(RETRY)
        while True:
            try:
                await asyncio.to_thread(self._ground.look)
            except BackendError as error:
                log.warning("%s could not be looked through: %s", folder, error.detail)
            self.looked.set()
            await asyncio.sleep(self._look)
