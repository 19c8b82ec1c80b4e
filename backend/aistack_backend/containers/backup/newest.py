"""The newest backup of the stack and of each service, and whether it was proven; read anew when the shelf changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from aistack_backend.containers.backup import manifest
from aistack_backend.containers.backup.shelf import Shelf
from aistack_backend.wire.storage import Backup

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One backup in two times; both None = there is none."""

    at: float | None = None
    verified_at: float | None = None
    """When it was restored aside and held; None = it was not, or it did not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the shelf holds: how many backups, the newest of all, and the newest that holds each service's data."""

    count: int = 0
    newest: Taken = Taken()
    services: Mapping[str, Taken] = field(default_factory=dict)

    def of(self, service: str) -> Taken:
        """Return the newest backup that holds a service's data."""
        return self.services.get(service, Taken())


class Newest:
    """Looks at the shelf's file times, and reads manifests only when one changed. Safe from several threads."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._seen: Stamp | None = None
        self._kept = Kept()

    def now(self) -> Kept:
        """Return what is there now; a folder that cannot be read holds nothing."""
        with self._lock:
            stamp = self._stamp()
            if stamp != self._seen:
                self._kept, self._seen = _kept(self._shelf.list().backups), stamp
            return self._kept

    def _stamp(self) -> Stamp:
        try:
            with os.scandir(self._shelf.folder) as entries:
                found = [one.path for one in entries if not one.name.startswith(".")]
        except OSError:
            return ()
        return tuple(sorted(_times(path) for path in (*found, *(os.path.join(one, manifest.NAME) for one in found))))  # noqa: PTH118


def _times(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def _kept(backups: tuple[Backup, ...]) -> Kept:
    """Return the newest of each; ``backups`` are newest first."""
    services: dict[str, Taken] = {}
    for one in backups:
        for service in one.services:
            services.setdefault(service, _taken(one))
    return Kept(count=len(backups), newest=_taken(backups[0]) if backups else Taken(), services=services)


def _taken(one: Backup) -> Taken:
    return Taken(at=one.at, verified_at=one.verified_at if one.verified == "ok" else None)
