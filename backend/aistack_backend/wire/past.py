"""A moment of the past, as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from aistack_backend.wire.containers import Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class PastState:
    """How one service or container stood then."""

    name: str
    service: bool
    """False: a container."""
    state: str
    why: str = ""
    """Of a service: why it was not well. Of a container: its health."""
    since: float
    """Since when, as it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was known at a moment."""

    at: float
    recorded: bool
    """False: nothing was measured shortly before it, so nothing is known of it."""
    oldest: float | None = None
    """The oldest moment that is recorded; None = nothing is."""
    newest: float | None = None
    services: tuple[PastState, ...] = ()
    containers: tuple[PastState, ...] = ()
    host: dict[str, float] = field(default_factory=dict)
    """The machine's metrics as the recorder names them, without ``host.``."""
    events: tuple[Activity, ...] = ()
    """What had happened last, newest first."""
    before: float | None = None
    """The nearest earlier moment at which something happened; None = there is none."""
    after: float | None = None
