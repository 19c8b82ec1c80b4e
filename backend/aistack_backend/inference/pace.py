"""How many threads compute now: all, or beside busy neighbours whichever of one and all is measured to be faster.

llama.cpp's threads wait for each other at every step; when the kernel takes one core away, all stand still. But two get
twice the share of a crowded machine that one gets. Measured on 2 cores with SmolLM2-135M: at load 9 of compilers 2
threads made 11–15 tokens/s and 1 made 37; at load 13 of many short programs 2 made 9–14 and 1 made 4; on the idle
machine 175 and 100. So it is tried.
"""

from __future__ import annotations

from pathlib import Path

CROWDED, CALM = 0.6, 0.3
"""Share of the time in which somebody waited for a core: above the first it is crowded, below the second calm."""
EVERY = 0.5
"""Seconds between two looks."""
STEPS = 8
"""Steps of a trial with each number of threads."""
AGAIN = 15.0
"""Seconds that what a trial showed is kept to."""


class Pace:
    """Chooses between one thread and ``threads`` by the kernel's pressure figures, and by what steps take under
    pressure; without those figures always ``threads``."""

    def __init__(self, threads: int, pressure: Path = Path("/proc/pressure/cpu")) -> None:
        self._threads, self._pressure = threads, pressure
        self._crowded = self._figure("avg10") > CROWDED * 100
        self._looked: float | None = None
        self._stalled = 0.0
        self._tokens, self._best, self._until = 0, 0, 0.0
        self._tried: dict[int, list[float]] = {1: [], threads: []}

    def threads(self, now: float) -> int:
        """Return how many threads to use; ``now`` is monotonic seconds. Cheap enough to be asked at every token."""
        if self._looked is None or now - self._looked >= EVERY:
            stalled = self._figure("total")
            if self._looked is not None:
                self._judge((stalled - self._stalled) / 1e6 / (now - self._looked))
            self._looked, self._stalled = now, stalled
        if not self._crowded:
            return self._threads
        if self._best and now < self._until:
            return self._best
        for count, took in self._tried.items():
            if len(took) < STEPS:
                return count
        self._best, self._until = min(self._tried, key=lambda count: sum(self._tried[count])), now + AGAIN
        self._begin()
        return self._best

    def took(self, threads: int, tokens: int, seconds: float) -> None:
        """Tell what a step of so many tokens took; only steps alike are compared."""
        if tokens != self._tokens:
            self._tokens = tokens
            self._begin()
        if len(self._tried[threads]) < STEPS:
            self._tried[threads].append(seconds)

    def _begin(self) -> None:
        self._tried = {count: [] for count in self._tried}

    def _judge(self, share: float) -> None:
        if share > CROWDED and not self._crowded:
            self._crowded, self._best = True, 0
            self._begin()
        elif share < CALM:
            self._crowded = False

    def _figure(self, name: str) -> float:
        try:
            return float(self._pressure.read_text().split(f"{name}=", 1)[1].split()[0])
        except (OSError, IndexError, ValueError):
            return 0.0
