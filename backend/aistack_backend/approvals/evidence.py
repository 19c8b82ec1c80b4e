"""What a person is shown beside the action itself, measured when it was asked."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.actions import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The facts around an action. None of this is hashed; the action is."""

    title: str
    """One line, e.g. ``restart container web``."""
    effect: str = ""
    undo: str = ""
    facts: tuple[Fact, ...] = ()
    agent_says: str = ""
    """The asker's own words: shown apart, never trusted."""
    managed: bool = False
    """The target carries ``io.aistack.managed`` (R4.7)."""
