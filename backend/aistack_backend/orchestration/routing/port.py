"""What the coordinator asks of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aistack_backend.inference.models import Turn
from aistack_backend.orchestration.routing.models import Piece, Said


class Model(Protocol):
    """A model on this machine: what it is asked leaves no trace elsewhere."""

    @property
    def name(self) -> str:
        """What it is called in what was tried; also when it does not answer."""
        ...

    async def say(self, turns: Sequence[Turn], max_tokens: int, temperature: float) -> Said:
        """Return a whole answer.

        Raises:
            BadInput: the prompt is too long. Unavailable: it cannot answer now; one sentence.
        """
        ...


class Finds(Protocol):
    """Documents that the model may be shown."""

    async def find(self, question: str, most: int) -> Sequence[Piece]:
        """Return the best pieces, at most ``most``; none where there are no documents.

        Raises:
            Unavailable: they cannot be looked through now.
        """
        ...


class NoDocuments:
    """There are none."""

    async def find(self, question: str, most: int) -> Sequence[Piece]:
        """Return nothing."""
        return ()
