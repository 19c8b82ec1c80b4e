"""Where measured values come from, and how that source is doing."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class SourceState(Word):
    """How a source of measurements is doing."""

    OK = "ok"
    """Answering; its values are current."""
    CONNECTING = "connecting"
    """Being reached for the first time, or again."""
    ABSENT = "absent"
    """Not installed, or its socket does not exist."""
    REFUSED = "refused"
    """It exists and does not accept us."""
    HANGING = "hanging"
    """It accepted and does not answer in time."""
    FAILED = "failed"
    """It answered with an error, or died in the middle."""
    UNKNOWN = "unknown"
    """Not measured yet, or a word of a newer backend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source: its state, since when, what was tried, and what would mend it."""

    name: str
    """``podman``, ``host``, ``gpu``, ``model``, ``recorder``."""
    state: SourceState
    since: float
    """When it entered this state, epoch seconds."""
    last_ok: float | None = None
    """When it last answered well; values older than this are stale."""
    tried: str = ""
    """What was tried, e.g. the socket path."""
    detail: str = ""
    """One sentence: what happened."""
    hint: str = ""
    """One sentence: what would be right."""
