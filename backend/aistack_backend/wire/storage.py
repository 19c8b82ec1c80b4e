"""What lies on disk: images, volumes, networks, backups."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One image, volume or network."""

    kind: str
    id: str
    name: str
    size: int | None = None
    """Bytes; None = not measured."""
    used_by: tuple[str, ...] = ()
    """Container names."""
    created_at: float | None = None
    managed: bool = False
    prunable: bool = False
    """The default prune of its kind takes it: nothing uses it, it has no name of its own, nobody would miss it."""
    claimed: bool = False
    """Nothing uses it, but an up, a rollback or the sandbox would miss it: only naming it removes it."""
    fixed: bool = False
    """It can never be removed."""
    why: str = ""
    """Why a prune takes it, or why it leaves it; empty while something uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Images, volumes and networks."""

    at: float | None
    source: Source
    stored: tuple[Stored, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup on disk."""

    id: str
    """``2026-11-26T12-00-00Z``."""
    at: float
    path: str
    size: int
    services: tuple[str, ...] = ()
    verified_at: float | None = None
    verified: str = ""
    """``ok``, or one sentence on what did not hold; empty = never verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupList:
    """All backups, newest first."""

    backups: tuple[Backup, ...] = ()
    folder: str = ""
    next_at: float | None = None
    """When the next scheduled one is due; None = no schedule."""
