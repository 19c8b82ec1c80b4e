"""Sharing the console's one loop between loud streams and the operator's keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

WORK = 0.002
"""Seconds of taking in after which keys get a turn. A key passes about ten turns of the loop until it is drawn."""
SHARE = 1.0
"""Seconds of rest for each second of work."""


class Pace:
    """Holds how long the readers of streams have worked since they last rested; all of them share one."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._since = now()

    async def rest(self) -> None:
        """Give way: at once when little was done, else for as long as the work took."""
        worked = self._now() - self._since
        await asyncio.sleep(worked * SHARE if worked >= WORK else 0)
        if worked >= WORK:
            self._since = self._now()
