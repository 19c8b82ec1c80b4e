"""What the rest needs of the ladder."""

from __future__ import annotations

from typing import Protocol

from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.wire.stack import Rung, RungName


class Climb(Protocol):
    """Measures a service."""

    def climb(self, service: ServiceDecl, *, upto: RungName = RungName.USEFUL) -> tuple[Rung, ...]:
        """Measure the rungs from the lowest to ``upto``, now; blocks, each check within its own time limit.

        All six rungs are returned, lowest first. Above the first that does not hold, and above ``upto``, they are
        WAIT. A rung with nothing to check is NONE and lets the next one be measured. Never raises: a check that
        could not be made is UNKNOWN, with the reason as its evidence.
        """
        ...
