"""How many threads should compute now. Beside busy neighbours one thread is faster than all of them.

llama.cpp's threads wait for each other at every step; when the kernel takes one core away, all stand still. Measured
on 2 cores at load 9 (SmolLM2-135M): 2 threads 11–15 tokens/s, 1 thread 37; on the idle machine 175 and 100.
"""

from __future__ import annotations

from pathlib import Path

CROWDED, CALM = 0.6, 0.3
"""Share of the time in which somebody waited for a core: above the first one thread computes, below the second all."""
EVERY = 0.5
"""Seconds between two looks."""


class Pace:
    """Chooses between one thread and ``threads`` by the kernel's pressure figures; without them always ``threads``."""

    def __init__(self, threads: int, pressure: Path = Path("/proc/pressure/cpu")) -> None:
        self._threads, self._pressure = threads, pressure
        self._chosen = 1 if self._figure("avg10") > CROWDED * 100 else threads
        self._looked: float | None = None
        self._stalled = 0.0

    def threads(self, now: float) -> int:
        """Return how many threads to use; ``now`` is monotonic seconds. Cheap enough to be asked at every token."""
        if self._looked is None or now - self._looked >= EVERY:
            stalled = self._figure("total")
            if self._looked is not None:
                self._judge((stalled - self._stalled) / 1e6 / (now - self._looked))
            self._looked, self._stalled = now, stalled
        return self._chosen

    def _judge(self, share: float) -> None:
        if share > CROWDED:
            self._chosen = 1
        elif share < CALM:
            self._chosen = self._threads

    def _figure(self, name: str) -> float:
        try:
            return float(self._pressure.read_text().split(f"{name}=", 1)[1].split()[0])
        except (OSError, IndexError, ValueError):
            return 0.0
