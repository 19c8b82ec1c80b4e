"""A run when the process starts, and one each interval after it, wherever learning runs: in the backend, or in the
hybrid-coordinator's own process."""

from __future__ import annotations

import asyncio
import logging

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError
from aistack_backend.learning.service import Learning

log = logging.getLogger(__name__)
LOOK = 30.0
"""Most seconds between two looks at the clock: a pause, or a run that a person asked for, is noticed within them."""
TIMER = "timer"


class Rounds:
    """Belongs to one event loop."""

    def __init__(self, learning: Learning, clock: Clock, look: float = LOOK) -> None:
        self._learning, self._clock, self._look = learning, clock, look
        self._first = True

    async def keep(self) -> None:
        """Make the runs that are due, for ever; at once return when learning is switched off."""
        if not self._learning.settings.enabled:
            return
        while True:
            try:
                wait = await asyncio.to_thread(self._wait)
                if wait <= 0:
                    self._first = False
                    await self._learning.run(TIMER)
                    continue
            except BackendError as error:
                log.debug("the next run waits: %s", error.detail)
                wait = self._look
            await asyncio.sleep(min(wait, self._look))

    def _wait(self) -> float:
        """Return the seconds until the next run; 0 = it is due."""
        if self._learning.paused:
            return self._look
        if self._first:
            return 0.0
        last, interval = self._learning.runs.newest(1), self._learning.settings.interval
        return max(0.0, self._learning.runs.due(interval, last[0]) - self._clock.now()) if last else 0.0
