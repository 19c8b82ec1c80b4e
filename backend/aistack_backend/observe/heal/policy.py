"""When to restart which service: pure, so that a thousand hours can be simulated in a second.

Numbers of R5.6: waits of 10 s doubling to 300 s with 20 % of jitter; forgotten after 600 s in health; after 5 restarts
within 10 minutes it gives up and a person is asked; at most 3 services are restarting at once; a service whose
dependency is not well is never restarted; what is held, or was stopped by an operator, is never touched. A fault of
something that runs is looked at twice before a restart: a service that was well is BAD at its first failed look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from aistack_backend.observe.heal.models import Decision, Mood, Patient, Track

AT_ONCE = 3
"""Services that may be restarting at one time."""
FORGET_AFTER = 600.0
"""Seconds in health after which all is forgotten."""
JITTER = 0.2
Draw = Callable[[], float]
"""Gives a number from -1 to 1."""


def decide(
    patients: Mapping[str, Patient], tracks: Mapping[str, Track], now: float, draw: Draw, *, hold: bool = False
) -> Decision:
    """Say what to restart at ``now`` (steady seconds), and what to remember until the next look.

    ``hold``: nothing automatic happens at all. The same arguments give the same decision.
    """
    waits_for = {ident: cause for ident, one in patients.items() if (cause := _cause(one, patients))}
    kept, give_up = {}, []
    for ident, patient in patients.items():
        track = _seen(patient, tracks.get(ident, Track()), now, hold=hold)
        if hold or ident in waits_for:
            track = replace(track, due=None)
        elif _healable(patient, track) and _exhausted(patient, track):
            give_up.append(ident)
            why = f"{patient.heal.give_up_after} restarts in {patient.heal.window / 60:g} min did not help"
            track = replace(track, given_up=why, due=None, acting=None)
        elif _healable(patient, track) and track.due is None:
            track = replace(track, due=now + wait(patient, track.level, draw))
        kept[ident] = track
    restart = _chosen(patients, kept, now)
    kept |= {ident: _tried(patients[ident], kept[ident], now, draw) for ident in restart}
    failed = {ident: cause for ident, cause in waits_for.items() if patients[ident].mood is Mood.FAILED}
    return Decision(restart=restart, give_up=tuple(give_up), tracks=kept, waits_for=failed)


def wait(patient: Patient, level: int, draw: Draw) -> float:
    """Return the seconds to wait before the next try."""
    heal = patient.heal
    base = min(heal.longest_wait, heal.first_wait * 2.0 ** min(level, 30))
    return base * (1 + JITTER * max(-1.0, min(1.0, draw())))


def _seen(patient: Patient, track: Track, now: float, *, hold: bool) -> Track:
    """Take in how the service is now; what the clock cannot have seen is dropped."""
    recent = tuple(at for at in track.tries if now - patient.heal.window < at <= now)
    acting = track.acting if track.acting is not None and 0 <= now - track.acting < patient.settles else None
    track = replace(track, tries=recent, acting=acting)
    if patient.untouchable:
        handled = patient.stopped_by_operator or patient.held
        return replace(track, due=None, acting=None, well=None, given_up="" if handled else track.given_up)
    if patient.mood is Mood.WELL:
        since = now if track.well is None else min(track.well, now)
        if now - since >= FORGET_AFTER:
            return Track(well=since)
        return replace(track, due=None, acting=None, well=since)
    return replace(track, well=None, due=None if hold else track.due)


def _healable(patient: Patient, track: Track) -> bool:
    may = patient.heal.restart and patient.exists and not patient.untouchable
    return may and patient.mood is Mood.FAILED and not track.given_up


def _exhausted(patient: Patient, track: Track) -> bool:
    """Whether the last allowed restart has had its time and did not help."""
    return len(track.tries) >= patient.heal.give_up_after and track.acting is None


def _chosen(patients: Mapping[str, Patient], tracks: Mapping[str, Track], now: float) -> tuple[str, ...]:
    """Return those whose time has come, longest due first, as many as may be restarting at once."""
    room = AT_ONCE - sum(track.acting is not None for track in tracks.values())
    due = sorted(
        (track.due, ident)
        for ident, track in tracks.items()
        if track.due is not None and track.due <= now and _healable(patients[ident], track)
        if patients[ident].confirmed and len(track.tries) < patients[ident].heal.give_up_after
    )
    return tuple(ident for _, ident in due[: max(0, room)])


def _tried(patient: Patient, track: Track, now: float, draw: Draw) -> Track:
    level = track.level + 1
    due = now + wait(patient, level, draw)
    return replace(track, level=level, tries=(*track.tries, now), acting=now, due=due)


def _cause(patient: Patient, patients: Mapping[str, Patient]) -> str:
    """Return the service that must get well first: the published root cause, or any needed one that is not well."""
    if patient.root_cause and patient.root_cause != patient.id:
        return patient.root_cause
    seen, line = {patient.id}, list(patient.needs)
    while line:
        ident = line.pop(0)
        if ident in seen or ident not in patients:
            continue
        seen.add(ident)
        if patients[ident].mood is not Mood.WELL:
            return ident
        line += patients[ident].needs
    return ""
