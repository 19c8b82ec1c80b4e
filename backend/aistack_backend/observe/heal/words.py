"""What self-heal does or waits for, in the words that the operator reads."""

from __future__ import annotations

from aistack_backend.observe.heal.models import Mood, Patient, Track


def words(patient: Patient, track: Track, now: float, waits_for: str = "", *, hold: bool = False) -> str:
    """Return one short text, empty when self-heal has nothing to do with the service now."""
    if track.given_up:
        return f"given up: {track.given_up}"
    if patient.mood is not Mood.FAILED and track.acting is None:
        return ""
    counted = f"restarts {len(track.tries)} of {patient.heal.give_up_after} in {patient.heal.window / 60:g} min"
    if hold:
        return "maintenance: nothing is restarted"
    if not patient.heal.restart:
        return "not restarted by itself: its heal block says so"
    if waits_for:
        return f"waits for {waits_for}"
    if patient.mood is Mood.COMING:
        return f"{counted}, restarted {now - (track.acting or now):.0f} s ago"
    if track.due is not None:
        return f"{counted}, next try in {max(0.0, track.due - now):.0f} s"
    return ""
