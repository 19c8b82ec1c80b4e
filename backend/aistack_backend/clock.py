"""Time as an injected value: wall seconds, monotonic seconds, and the boot they belong to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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
