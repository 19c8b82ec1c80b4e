"""The dashboard's four sections: every point of the owner's note, with what was measured of it or why nothing was."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class Unit(Word):
    """What a number counts."""

    COUNT = "count"
    SHARE = "share"
    """0 to 1."""
    SECONDS = "seconds"
    BYTES = "bytes"
    SPEED = "bytes a second"
    A_DAY = "a day"
    LOSS = "nats a token"
    YES = "yes"
    """1 = yes, 0 = no."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number; None = not measured, never 0."""

    point: str
    """What the note calls it."""
    name: str = ""
    """Which part of it, as ``oldest waits``; an agent's or a disk's own name stands in it."""
    unit: Unit
    windows: tuple[str, ...]
    """Which of ``now``, ``24h`` and ``7d`` it has; the others do not apply to it."""
    now: float | None = None
    day: float | None = None
    """Over the last 24 hours."""
    week: float | None = None
    """Over the last 7 days."""
    at: float | None = None
    """When it was measured; None = it was not."""
    source: str
    """What measures it: ``tables``, ``host``, ``stack``, ``model``."""
    metric: str
    """Its name in ``GET /metrics``, where the same number stands."""
    about: str
    """What it counts, in one sentence."""
    why: str = ""
    """Why a window has no number; empty = every one has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One of the four."""

    key: str
    """``ralph``, ``orchestration``, ``learning`` or ``map``."""
    title: str
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """All of it, at one moment."""

    at: float
    sections: tuple[Section, ...] = ()
