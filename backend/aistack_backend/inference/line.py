"""The queue before the model: one at a time, persons before agents, first come first served among equals."""

from __future__ import annotations

import asyncio
import heapq
import itertools

from aistack_backend.errors import Unavailable
from aistack_backend.inference.models import Rank

LONGEST = 32
"""Waiting requests; one more is refused."""


class Line:
    """A lock that is handed to the first of the best rank."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def take(self, rank: Rank) -> None:
        """Wait for the turn; whoever got it must ``give`` it. Cancelling gives up the place.

        Raises:
            Unavailable: too many wait already.
        """
        if not self._busy:
            self._busy = True
            return
        if len(self._waiting) >= LONGEST:
            raise Unavailable(f"{LONGEST} requests wait for the model already.", "Try again in a moment.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it was handed to us in the very moment we gave up
            raise

    def give(self) -> None:
        """Hand the turn to the next."""
        self._busy = False
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._busy = True
                turn.set_result(None)
                return
