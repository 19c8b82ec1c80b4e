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

    def held(self, last_key: float) -> float:
        """Return the seconds for which a key still comes first; ``last_key`` is when it was pressed, by this clock."""
        return last_key + HOLD - self._now()

    async def rest(self, last_key: Callable[[], float] = lambda: 0.0) -> None:
        """Give way for a moment, and then to a key for as long as :meth:`held` says."""
        worked = self._now() - self._since >= WORK
        await asyncio.sleep(BREATH if worked else 0)
        if (left := self.held(last_key())) > 0:
            await asyncio.sleep(left)
        elif not worked:
            return
        self._since = self._now()
