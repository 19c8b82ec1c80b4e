"""Time as an injected value: wall seconds, monotonic seconds, and the boot they belong to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

DRIFT = 0.001
"""Seconds by which two machines' steady clocks may part from one beat to the next."""


class Clock(Protocol):
    """What the backend asks for the time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def mono(self) -> float:
        """Seconds that never go back within one boot, and count while the machine sleeps."""
        ...

    def boot_id(self) -> str:
        """Identifies the boot that ``mono`` belongs to."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def mono(self) -> float:
        """``CLOCK_BOOTTIME``: monotonic, and counts suspend."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot_id(self) -> str:
        """The kernel's boot id."""
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True, slots=True)
class Beat:
    """What another machine's clock said at some moment."""

    boot_id: str
    mono: float
    at: float
    """Its wall time, seconds since the epoch."""


class FollowedClock:
    """The backend's clock as a process on another machine knows it: from the beats that it can see come in.

    It goes on by the own steady clock between beats, so that a clock set by hand, here or there, moves nothing. It is
    behind by at most one beat and one look; on the backend's own machine it is that machine's clock.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._last: Beat | None = None
        self._boot = ""
        self._offset = 0.0
        self._wall = 0.0

    def follow(self, beat: Beat | None) -> bool:
        """Take in the newest beat; True once the time is known. The first beat of a boot may be an old one: only the
        next says what time it is."""
        if beat is None:
            return bool(self._boot)
        last, self._last = self._last, beat
        if beat.boot_id == self._own.boot_id():
            self._boot = beat.boot_id
            return True
        if last is None or last.boot_id != beat.boot_id or beat.mono <= last.mono:
            return self._boot == beat.boot_id
        offset = beat.mono - self._own.mono()
        known = self._boot == beat.boot_id
        self._offset = max(offset, self._offset - DRIFT) if known else offset
        self._boot, self._wall = beat.boot_id, beat.at - beat.mono
        return True

    def now(self) -> float:
        """The backend's wall time, in seconds since the epoch."""
        return self._own.now() if self._here() else self.mono() + self._wall

    def mono(self) -> float:
        """The backend's monotonic time."""
        return self._own.mono() + (0.0 if self._here() else self._offset)

    def boot_id(self) -> str:
        """The backend's boot; empty before it is known."""
        return self._boot

    def _here(self) -> bool:
        return self._boot in ("", self._own.boot_id())


@dataclass
class HandClock:
    """A clock that is set by hand; for rehearsals and tests."""

    wall: float = 1_700_000_000.0
    steady: float = 1_000.0
    boot: str = "boot-1"

    def now(self) -> float:
        """The wall time it was set to."""
        return self.wall

    def mono(self) -> float:
        """The monotonic time it was set to."""
        return self.steady

    def boot_id(self) -> str:
        """The boot it was set to."""
        return self.boot

    def advance(self, seconds: float) -> None:
        """Let both clocks run for ``seconds``."""
        self.wall += seconds
        self.steady += seconds
