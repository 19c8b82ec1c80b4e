"""The roles as the backend serves them: under a prefix, on a socket for each control role, on the note's ports."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from starlette.types import ASGIApp

from aistack_backend.api.roles import carried
from aistack_backend.api.roles.asked import GetParts
from aistack_backend.api.roles.catalogue import ROLES, Role
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.folder import listen
from aistack_backend.api.roles.site import build
from aistack_backend.errors import BackendError, Conflict
from aistack_backend.settings import Settings

log = logging.getLogger(__name__)
Sites = Mapping[str, ASGIApp]
"""Each role's application, by the role's id."""


def sites(parts: GetParts) -> Sites:
    """Return the application of every role, as this backend provides it."""
    return {one.id: build(one, carried.endpoints(one, parts), carried.needs(one, parts), "embedded") for one in ROLES}


class Doors:
    """The sockets on which this backend serves roles; those that could not be opened say why."""

    def __init__(self, settings: Settings, sites: Sites, roles: Sequence[Role] = ROLES) -> None:
        self._roles = roles
        self._settings = settings
        self._sites = sites
        self._open = AsyncExitStack()
        self.shut: dict[str, str] = {}
        """Role → one sentence on why a door of it is not open."""

    async def open(self) -> None:
        """Open the control roles' sockets and, where that is set, the note's ports; one that fails stops no other."""
        for role in self._roles:
            if role.control:
                await self._try(role, unix=True)
            if self._settings.config.stack.listen == "note":
                await self._try(role, unix=False)

    async def close(self) -> None:
        """Close every door."""
        await self._open.aclose()

    def fault(self) -> str:
        """Return one sentence for each door that is not open."""
        return " ".join(self.shut.values())

    async def _try(self, role: Role, *, unix: bool) -> None:
        try:
            bound = await asyncio.to_thread(lambda: listen(self._settings.run_dir, role.id) if unix else port(role))
        except BackendError as error:
            self.shut[role.id] = error.detail
        except OSError as error:
            self.shut[role.id] = f"{role.id} cannot be served: {error.strerror or error}."
        else:
            self._open.callback(bound.close)
            door = Door(self._sites[role.id], bound)
            await door.open()
            self._open.push_async_callback(door.close)
            return
        log.warning("%s", self.shut[role.id])


def port(role: Role) -> socket.socket:
    """Listen on the role's port on loopback.

    Raises:
        Conflict: somebody has it; the sentence names who, as far as this user can see.
    """
    try:
        return tcp("127.0.0.1", role.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        from aistack_backend.containers.portholders import holder

        who = holder(role.port) or "a process that cannot be seen from here"
        raise Conflict(f"Port {role.port} of {role.id} is in use by {who}; it is not served there.") from error
