"""What self-heal promises (R5.6), counted from outside: it sees only what was shown, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aistack_backend.observe.heal.models import Decision, Mood, Patient

WINDOW, MOST, AT_ONCE = 600.0, 5, 3
FORGOTTEN = 600.0
FIRST, LONGEST, JITTER = 10.0, 300.0, 0.2
IDLE = 1000.0
"""Seconds in which a service that failed all the time, and that nothing forbids to touch, is tried or asked about."""


@dataclass
class Seen:
    """One service's history in true seconds."""

    restarts: list[float] = field(default_factory=list)
    row: int = 0
    """Restarts since it was last well for so long that all may be forgotten."""
    well: float | None = None
    acting: float | None = None
    open: float | None = None
    """Since when it has failed and could have been tried, without a break."""
    asked: bool = False


@dataclass
class Oracle:
    """Watches one history; ``broken`` names every promise that was not kept."""

    seen: dict[str, Seen] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    restarts: int = 0
    asked: int = 0
    sure_from: float = 0.0
    """Before this nobody can say how long ago something was."""

    def watch(self, now: float, patients: Mapping[str, Patient], decision: Decision, *, hold: bool) -> None:
        """Take in one look of self-heal at ``now`` and what it decided."""
        for ident, patient in patients.items():
            self._look(now, self.seen.setdefault(ident, Seen()), patient)
        for ident in decision.restart:
            self._restarted(now, ident, patients, hold=hold)
        for ident in decision.give_up:
            self._gave_up(now, ident, patients, hold=hold)
        for ident, patient in patients.items():
            self._idle(now, ident, patient, patients, hold=hold)

    def lost(self, now: float) -> None:
        """The machine was started anew and its clock is not the one of before: time itself was lost."""
        self.sure_from = now
        for one in self.seen.values():
            one.restarts.clear()
            one.acting = one.well = one.open = None

    def _look(self, now: float, one: Seen, patient: Patient) -> None:
        if patient.mood is not Mood.WELL or patient.untouchable:
            one.well = None
        else:
            one.well = now if one.well is None else one.well
            if now - one.well >= FORGOTTEN:
                one.row, one.asked = 0, False
        if patient.held or patient.stopped_by_operator:
            one.asked = False
        if (
            patient.untouchable
            or patient.mood is Mood.WELL
            or (one.acting is not None and now - one.acting >= patient.settles)
        ):
            one.acting = None

    def _restarted(self, now: float, ident: str, patients: Mapping[str, Patient], *, hold: bool) -> None:
        one, patient = self.seen[ident], patients[ident]
        self.restarts += 1
        one.restarts = [*(at for at in one.restarts if now - at < WINDOW), now]
        least = min(LONGEST, FIRST * 2.0 ** min(one.row, 10)) * (1 - JITTER)
        gap = now - one.restarts[-2] if len(one.restarts) > 1 else WINDOW
        if one.row and gap < least:
            self._say(now, ident, f"tried again after {gap:.0f} s instead of {least:.0f}")
        if len(one.restarts) > MOST:
            self._say(now, ident, f"{len(one.restarts)} restarts in {WINDOW:.0f} s")
        if hold or patient.untouchable or not patient.heal.restart:
            self._say(now, ident, "touched what is held, stopped or resting")
        if patient.mood is not Mood.FAILED:
            self._say(now, ident, f"restarted while it was {patient.mood}")
        if below := [need for need in patient.needs if patients[need].mood is not Mood.WELL]:
            self._say(now, ident, f"restarted before {below[0]}, which it needs")
        if not patient.confirmed:
            self._say(now, ident, "restarted for a fault that one look found")
        if one.asked:
            self._say(now, ident, "restarted after it was given up")
        one.acting, one.open = now, None
        one.row += 1
        if sum(each.acting is not None for each in self.seen.values()) > AT_ONCE:
            self._say(now, ident, "more than three at once")

    def _gave_up(self, now: float, ident: str, patients: Mapping[str, Patient], *, hold: bool) -> None:
        one = self.seen[ident]
        self.asked += 1
        tried = sum(now - at < WINDOW for at in one.restarts)
        if tried < MOST and now - self.sure_from >= WINDOW:
            self._say(now, ident, f"asked after {tried} restarts")
        if one.asked:
            self._say(now, ident, "asked twice")
        if hold or patients[ident].untouchable:
            self._say(now, ident, "asked about what is held, stopped or resting")
        one.asked, one.open = True, None

    def _idle(self, now: float, ident: str, patient: Patient, patients: Mapping[str, Patient], *, hold: bool) -> None:
        one = self.seen[ident]
        below = any(patients[need].mood is not Mood.WELL for need in patient.needs)
        if hold or one.asked or below or patient.untouchable or patient.mood is not Mood.FAILED:
            one.open = None
            return
        one.open = now if one.open is None else one.open
        if now - one.open > IDLE:
            self._say(now, ident, f"failed for {now - one.open:.0f} s, and nothing was done")
            one.open = now

    def _say(self, now: float, ident: str, what: str) -> None:
        self.broken.append(f"{ident} at {now:.0f}: {what}")
