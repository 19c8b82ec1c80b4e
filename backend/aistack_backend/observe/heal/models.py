"""What self-heal looks at, what it remembers, and what it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aistack_backend.containers.stack.models import HealDecl


class Mood(StrEnum):
    """What matters about a service here."""

    WELL = "well"
    FAILED = "failed"
    COMING = "coming"
    """It is starting: wait."""
    UNSEEN = "unseen"
    """Nobody measured it lately: wait."""
    RESTING = "resting"
    """It is meant not to run, or somebody else acts on it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One service at one moment."""

    id: str
    mood: Mood
    exists: bool = True
    """There is a container that could be started."""
    held: bool = False
    stopped_by_operator: bool = False
    root_cause: str = ""
    """The service whose fault this one's is."""
    needs: tuple[str, ...] = ()
    """Services that it cannot do without."""
    heal: HealDecl = field(default_factory=HealDecl)
    settles: float = 60.0
    """Seconds in which a restart shows whether it helped."""
    confirmed: bool = True
    """It ended, or a second look found the fault again: one probe that failed once under load restarts nothing."""

    @property
    def untouchable(self) -> bool:
        """Whether nothing automatic may touch it."""
        return self.held or self.stopped_by_operator or self.mood is Mood.RESTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What is remembered of one service; times in steady seconds."""

    level: int = 0
    """How often the wait was doubled."""
    tries: tuple[float, ...] = ()
    """When it was restarted, within the policy's window."""
    due: float | None = None
    """When it may be tried next."""
    acting: float | None = None
    """When the last restart began, while it has not shown its result."""
    well: float | None = None
    """Since when it is well."""
    given_up: str = ""
    """Why a person is needed; empty = not given up."""

    @property
    def blank(self) -> bool:
        """Whether nothing of it needs to be kept."""
        return self.level == 0 and not self.tries and self.due is None and self.acting is None and not self.given_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now, and what to remember."""

    restart: tuple[str, ...] = ()
    """Ids to restart now, in this order."""
    give_up: tuple[str, ...] = ()
    """Ids that a person has to be asked about now."""
    tracks: Mapping[str, Track] = field(default_factory=dict)
    waits_for: Mapping[str, str] = field(default_factory=dict)
    """For a failed service that is left alone: the service that must get well first."""
