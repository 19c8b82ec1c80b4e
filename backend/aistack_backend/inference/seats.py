"""Who is served next: a person before an agent, in order among equals, and an agent that waited long before all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aistack_backend.inference.models import Rank
from aistack_backend.inference.protocol import Order

LONG = 30.0
"""Seconds after which a waiting agent goes before persons."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without a slot."""

    order: Order
    since: float
    """Monotonic seconds."""


class Seats:
    """The queue before the slots. One slot is kept free of agents where there are several, so that a person need not
    wait for an agent's whole answer."""

    def __init__(self, slots: int, now: Callable[[], float]) -> None:
        self._slots, self._now = slots, now
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, order: Order) -> None:
        """Take a request into the queue."""
        self._waiting.append(Waiting(order, self._now()))

    def remove(self, number: int) -> bool:
        """Forget a request; say whether it was waiting."""
        before = len(self._waiting)
        self._waiting = [one for one in self._waiting if one.order.id != number]
        return len(self._waiting) < before

    def places(self) -> list[int]:
        """Return the requests that wait, in the order in which they are served as things stand now."""
        return [one.order.id for one in sorted(self._waiting, key=self._place)]

    def next(self, agents: int) -> Order | None:
        """Return who is served next, without removing it; ``agents`` = how many slots agents hold now."""
        allowed = self._waiting
        if self._slots > 1 and agents >= self._slots - 1:
            allowed = [one for one in allowed if one.order.rank == Rank.PERSON]
        return min(allowed, key=self._place).order if allowed else None

    def _place(self, one: Waiting) -> tuple[int, float, int]:
        late = self._now() - one.since >= LONG
        return (-1 if late else one.order.rank, one.since, one.order.id)
