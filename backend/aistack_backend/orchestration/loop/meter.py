"""What the agent of one loop may still have of its model, counted as the engine measures it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from aistack_backend.orchestration.loop.endpoint import FREE, Price
from aistack_backend.wire.loops import LoopLimits, ModelUse

LEAST = 1_000
"""Tokens that a pass gets at least, while the loop has as many."""


CENT = 10_000
"""Millionths of a dollar."""


class Spent(Exception):
    """The agent may have no more; the text is one sentence with the numbers."""


class Meter:
    """Thread-safe. ``used`` are the passes that are over; a crash forgets what was counted since the last ``taken``."""

    def __init__(self, limits: LoopLimits, used: Mapping[int, ModelUse], price: Price = FREE) -> None:
        self._lock = threading.Lock()
        self._price = price
        self._limits = limits
        self._passes = dict(used)
        self._number, self._share = 0, 0
        self.refused = 0
        """Requests of this pass that were refused because nothing is left."""
        self.why = ""
        """What the last of them was told."""

    def begin(self, number: int) -> None:
        """A pass begins. It may use twice its even share of what is left, so that one pass cannot starve the rest."""
        with self._lock:
            left = max(0, self._limits.tokens - self._total())
            passes = max(1, self._limits.passes - number + 1)
            self._number, self.refused, self.why = number, 0, ""
            self._share = min(left, max(LEAST, 2 * left // passes))

    def left(self) -> int:
        """Return the tokens that the next answer may cost, prompt included; at least 1.

        Raises:
            Spent: none are left, to this pass or to the loop.
        """
        with self._lock:
            total, of_pass = self._total(), self._now().tokens
            paid = self._limits.cost * CENT - sum(one.cost for one in self._passes.values())
            affords = self._price.tokens(paid)
            if paid <= 0:
                why = f"The loop's limit of {self._limits.cost:,} US cents is reached."
            elif affords == 0:
                why = f"What is left of the loop's {self._limits.cost:,} US cents pays no token."
            elif total >= self._limits.tokens:
                why = f"The loop's limit of {self._limits.tokens:,} tokens is reached ({total:,} used)."
            elif of_pass >= self._share:
                why = f"Pass {self._number} has used its share: {of_pass:,} of {self._share:,} tokens."
            else:
                left = min(self._limits.tokens - total, self._share - of_pass)
                return left if affords is None else min(left, affords)
            self.refused, self.why = self.refused + 1, why
            raise Spent(why)

    def add(self, read: int, written: int) -> None:
        """Count one answer."""
        with self._lock:
            now = self._now()
            self._passes[self._number] = ModelUse(
                answers=now.answers + 1,
                read=now.read + read,
                written=now.written + written,
                cost=now.cost + self._price.cost(read, written),
            )

    def taken(self) -> tuple[int, ModelUse]:
        """Return the number of the pass that works now, and what it has used."""
        with self._lock:
            return self._number, self._now()

    def _now(self) -> ModelUse:
        return self._passes.get(self._number, ModelUse())

    def _total(self) -> int:
        return sum(one.tokens for one in self._passes.values())
