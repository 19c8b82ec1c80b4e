"""What the coordinator asks of what was learned."""

from __future__ import annotations

from typing import Protocol

from aistack_backend.learning.models import Hints, Solution


class Learned(Protocol):
    """Answers from active patterns alone; a quarantined or rolled back one says nothing."""

    async def recall(self, query: str) -> Solution | None:
        """Return the learned answer to a question that is the same, or means the same; None when there is none.

        Only for a question without a conversation before it: an answer belongs to what was said.
        """
        ...

    async def hints(self, query: str, task_class: str) -> Hints:
        """Return what was learned about questions of this kind."""
        ...


class Nothing:
    """Nothing was learned yet."""

    async def recall(self, query: str) -> Solution | None:
        """Return None."""
        return None

    async def hints(self, query: str, task_class: str) -> Hints:
        """Return no hint."""
        return Hints()
