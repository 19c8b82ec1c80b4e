"""The state of a container in one word, and why: the words that every screen uses.

OK, OK* (fine itself, what it needs is not), STARTING, STOPPING, BAD, HELD (paused, or held by an operator), STOPPED,
and UNKNOWN when the source has not answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.actions import Risk
from aistack_backend.wire.containers import Container, ContainerState, Fleet, Health
from aistack_backend.wire.sources import Source, SourceState
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import span

ASKED_TO_END = {0: "ended", 130: "interrupted", 137: "killed", 143: "stopped"}
"""Exit codes that are no fault by themselves, in words."""
FAULTS = {125: "not started", 126: "not executable", 127: "not found", 132: "illegal instruction",
          134: "aborted", 135: "bus error", 136: "arithmetic error", 139: "crashed"}  # fmt: skip
"""Exit codes that say what went wrong: those of Podman and the shell, then 128 + the signal."""

TONES: dict[str, Tone] = {
    "OK": "ok",
    "OK*": "warn",
    "STARTING": "accent",
    "STOPPING": "accent",
    "BAD": "bad",
    "HELD": "warn",
    "STOPPED": "dim",
    "UNKNOWN": "warn",
}
ORDER = ("BAD", "OK*", "UNKNOWN", "STARTING", "STOPPING", "HELD", "OK", "STOPPED")
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Word:
    """A state word and why it is that one."""

    word: str
    why: str = ""

    @property
    def tone(self) -> Tone:
        """The tone the word is drawn in."""
        return TONES[self.word]

    @property
    def cell(self) -> Cell:
        """The word as a cell."""
        return (self.word, self.tone)


_RUNNING = {
    Health.NONE: Word("OK", "no health check"),
    Health.HEALTHY: Word("OK"),
    Health.STARTING: Word("STARTING", "check not passed yet"),
    Health.UNHEALTHY: Word("BAD", "health check fails"),
    Health.UNKNOWN: Word("UNKNOWN", "health word not known"),
}
_OTHER = {
    ContainerState.PAUSED: Word("HELD", "paused"),
    ContainerState.STOPPING: Word("STOPPING", "stopping"),
    ContainerState.REMOVING: Word("STOPPING", "being removed"),
    ContainerState.DEAD: Word("BAD", "its process is gone; Podman still calls it running"),
    ContainerState.CREATED: Word("STOPPED", "never started"),
    ContainerState.CONFIGURED: Word("STOPPED", "never started"),
    ContainerState.INITIALIZED: Word("STARTING", "prepared, not running yet"),
}


def word_of(one: Container) -> Word:
    """Return the word for a container as Podman reported it."""
    if one.state is ContainerState.RUNNING:
        return _RUNNING[one.health]
    if one.state in {ContainerState.EXITED, ContainerState.STOPPED}:
        return _ended(one.exit_code)
    return _OTHER.get(one.state, Word("UNKNOWN", "state word not known"))


def _ended(code: int | None) -> Word:
    if code is None:
        return Word("STOPPED")
    if code in ASKED_TO_END:
        return Word("STOPPED", f"{ASKED_TO_END[code]}, exit {code}")
    return Word("BAD", f"{FAULTS.get(code, 'failed')}, exit {code}")


def stale(source: Source | None, down: float | None) -> float | None:
    """Return since when values of this source are old; None = they are current.

    ``down`` is since when the backend has not answered.
    """
    if source is None:
        return down
    if source.state is not SourceState.OK:
        return source.last_ok or source.since
    return down


def measured(fleet: Fleet | None) -> bool:
    """Whether the containers were ever listed: before that there is no number of them, not even 0."""
    return fleet is not None and (fleet.at is not None or bool(fleet.containers))


def fleet_word(one: Container, fleet: Fleet, down: float | None, now: float) -> Word:
    """Return the container's word, or UNKNOWN with its age when the fleet is not current."""
    since = stale(fleet.source_of(one.host), down)
    if since is None:
        return word_of(one)
    return Word("UNKNOWN", f"was {word_of(one).word} {span(now - since)} ago")


def faulty(fleet: Fleet) -> Source | None:
    """Return the first source of containers that is not well, this machine's before the others'; None = all are."""
    sources = (fleet.source, *(host.source for host in fleet.hosts))
    return next((source for source in sources if source.state is not SourceState.OK), None)


RISK_TONES: dict[Risk, Tone] = {
    Risk.LOW: "ok",
    Risk.MEDIUM: "warn",
    Risk.HIGH: "bad",
    Risk.DESTRUCTIVE: "bad",
    Risk.UNKNOWN: "bad",
}
RISK_WORDS = {
    Risk.LOW: "LOW",
    Risk.MEDIUM: "MED",
    Risk.HIGH: "HIGH",
    Risk.DESTRUCTIVE: "DESTR",
    Risk.UNKNOWN: "HIGH?",
}


def risk_cell(risk: Risk) -> Cell:
    """Return the risk as a cell; a word of a newer backend is drawn as the highest."""
    return (RISK_WORDS[risk], RISK_TONES[risk])


def source_line(source: Source, now: float) -> str:
    """Return what is wrong with a source, what was tried and what would mend it, in one line."""
    words = [f"{source.name}: {source.state.value} for {span(now - source.since)}"]
    if source.detail:
        words.append(source.detail)
    if source.tried:
        words.append(f"Tried: {source.tried}.")
    if source.hint:
        words.append(source.hint)
    return " ".join(word if word.endswith((".", ":")) else f"{word}." for word in words)
