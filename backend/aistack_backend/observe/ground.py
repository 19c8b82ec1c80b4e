"""What the checks of the note's criteria stand on, and what one finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aistack_backend.containers.port import Podman
from aistack_backend.store.database import Database
from aistack_backend.wire.checklist import TickState
from aistack_backend.wire.dashboard import Dashboard
from aistack_backend.wire.stack import Service, Stack

SECONDS = 4.0
"""For one request."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The stack as it was just measured, Podman, where nginx and the dashboard are, and our own store."""

    stack: Stack
    podman: Podman
    proxy: tuple[str, int] = ("127.0.0.1", 8443)
    dashboard: tuple[str, int] = ("127.0.0.1", 8888)
    database: Database | None = None
    """None = there is none to look into."""
    numbers: Callable[[], Dashboard] | None = None
    """Measures the dashboard now; None = nobody does."""

    def service(self, key: str) -> Service | None:
        """Return a declared service."""
        return next((one for one in self.stack.services if one.id == key), None)


Found = tuple[TickState, str]
Ask = Callable[[Ground], Found]
