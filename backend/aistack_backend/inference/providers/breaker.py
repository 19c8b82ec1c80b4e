"""The circuit breaker of one endpoint: after failures in a row it is left alone, longer each time, then tried once."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from aistack_backend.clock import Clock
from aistack_backend.errors import Unavailable
from aistack_backend.wire.providers import Breaker as Shown
from aistack_backend.wire.providers import BreakerState

FAILURES = 3
"""In a row, until it opens."""
FIRST, GROWTH, CEILING = 5.0, 2.0, 300.0
"""Seconds that it stays open the first time, how that grows with each failed trial, and the most."""
STEPS = 16
"""Trials after which it has long reached the ceiling."""


class NotAsked(Unavailable):
    """The breaker is open: nothing was sent."""

    type, title = "provider-not-asked", "The provider is left alone"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call that was let through; what becomes of it is told to the breaker once."""

    round: int
    """Of the state in which it began: what comes from an older one changes nothing any more."""
    person: bool = False
    """A person asked for this very call: it goes through an open breaker, and what it brings always counts."""


class Breaker:
    """May be asked from any thread. Time is the injected clock's; a clock set by hand moves only what is shown."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._since = clock.now()
        self._round = 0
        self._failures = 0
        self._opened = 0
        self._until = 0.0
        self._error = ""
        self._error_at: float | None = None

    def enter(self, *, person: bool = False) -> Attempt:
        """Let one call through.

        Raises:
            NotAsked: it is open, or the one trial is on its way.
        """
        with self._lock:
            left = self._until - self._clock.mono()
            if person or self._state is BreakerState.CLOSED:
                return Attempt(self._round, person)
            if self._state is BreakerState.HALF_OPEN:
                raise NotAsked(f"{self._name} failed, and one call tries it now: {self._error}", "Wait for that one.")
            if left > 0:
                raise NotAsked(
                    f"{self._name} is left alone for {left:.0f} s more: {self._error}",
                    f"aistack-console providers check {self._name} tries it now.",
                )
            self._turn(BreakerState.HALF_OPEN)
            return Attempt(self._round)

    def succeeded(self, attempt: Attempt) -> None:
        """It answered: it is well, whatever was before."""
        with self._lock:
            if self._stale(attempt):
                return
            self._failures = self._opened = 0
            if self._state is not BreakerState.CLOSED:
                self._turn(BreakerState.CLOSED)

    def failed(self, attempt: Attempt, error: str, wait: float | None = None) -> None:
        """It did not; ``wait``: the seconds for which it asked to be left alone, which opens at once."""
        with self._lock:
            self._error, self._error_at = error, self._clock.now()
            if self._stale(attempt):
                return
            self._failures += 1
            until = self._clock.mono() + (wait or 0.0)
            if self._state is BreakerState.OPEN:  # a person looked meanwhile: that makes nobody wait longer
                self._until = max(self._until, until)
            elif self._state is BreakerState.HALF_OPEN or self._failures >= FAILURES or wait is not None:
                back_off = min(FIRST * GROWTH**self._opened, CEILING)
                self._opened = min(self._opened + 1, STEPS)
                self._until = max(self._clock.mono() + back_off, until)
                self._turn(BreakerState.OPEN)

    def left(self, attempt: Attempt) -> None:
        """Whoever called went away before anything was known; a trial that did may be made anew."""
        with self._lock:
            if not self._stale(attempt) and not attempt.person and self._state is BreakerState.HALF_OPEN:
                self._turn(BreakerState.OPEN)

    def _stale(self, attempt: Attempt) -> bool:
        return attempt.round != self._round and not attempt.person

    def shown(self) -> Shown:
        """Return the state with its evidence."""
        with self._lock:
            left = self._until - self._clock.mono()
            return Shown(
                state=self._state,
                since=self._since,
                failures=self._failures,
                next_try=self._clock.now() + left if self._state is BreakerState.OPEN and left > 0 else None,
                last_error=self._error,
                last_error_at=self._error_at,
            )

    def _turn(self, state: BreakerState) -> None:
        if state is not self._state:
            self._since = self._clock.now()
        self._state = state
        self._round += 1
