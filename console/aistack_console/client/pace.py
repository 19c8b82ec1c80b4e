"""Sharing the console's one loop between loud streams and the operator's keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

WORK = 0.002
"""Seconds of taking in after which the loop is free for a moment."""
BREATH = 0.0005
"""Seconds of that moment: what waits runs, and a key is noticed."""
HOLD = 0.015
"""Seconds after a key in which nothing is taken in, so that what the key does is drawn first."""


class Pace:
    """Holds how long the readers of streams have worked since they last rested; all of them share one."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._since = now()

    async def rest(self, last_key: float = 0.0) -> None:
        """Give way; ``last_key`` is when the operator last pressed one, by the same clock."""
        now = self._now()
        if (left := last_key + HOLD - now) > 0:
            await asyncio.sleep(left)
        elif now - self._since >= WORK:
            await asyncio.sleep(BREATH)
        else:
            await asyncio.sleep(0)
            return
        self._since = self._now()
