"""The owner's success criteria as live ticks."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class TickState(Word):
    """One line of the checklist."""

    PASS = "pass"  # noqa: S105  a state, not a password
    FAIL = "fail"
    RUNNING = "running"
    NOT_RUN = "not run"
    LATER = "later"
    """The function that it exercises is not built yet; ``detail`` says which issue brings it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One line of the checklist: a success criterion or a command of the note."""

    id: str
    phase: str
    text: str
    state: TickState
    at: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """The note's criteria as live ticks."""

    at: float | None
    ticks: tuple[Tick, ...] = ()
