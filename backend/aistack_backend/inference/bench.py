"""One short measurement of the loaded model: how long until the first token, how many a second after it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aistack_backend.clock import Clock
from aistack_backend.inference.models import Piece, Turn
from aistack_backend.wire.chat import Role
from aistack_backend.wire.shelf import Measured

TOKENS = 48
"""Generated at the most."""
TEXT = (
    "A harbour has four quays. At the first one lies a ship with grain, at the second a ferry that leaves each hour, "
    "at the third a tug, and at the fourth nothing at all. Describe what a visitor sees who walks from the first quay "
    "to the last one in the evening, and say what he hears on the way."
)
Answer = Callable[[Sequence[Turn], int, float], AsyncGenerator[Piece, None]]


@dataclass(slots=True)
class Bench:
    """Each run begins with another number, so that nothing of the prompt was computed by the run before."""

    answer: Answer
    clock: Clock

    async def run(self, adapter: str) -> Measured:
        """Ask once and measure.

        Raises:
            Unavailable: no model can answer now, or it died meanwhile.
        """
        at, began, load = self.clock.now(), self.clock.mono(), os.getloadavg()[0]
        turns = (Turn(role=Role.USER, text=f"{int(at * 1000)}. {TEXT}"),)
        first: float | None = None
        last, rate = Piece(), None
        async with aclosing(self.answer(turns, TOKENS, 0.0)) as pieces:
            async for piece in pieces:
                if piece.text and first is None:
                    first = self.clock.mono() - began
                last, rate = piece, piece.tokens_per_second or rate
        return Measured(
            at=at,
            kind="bench",
            adapter=adapter,
            tokens=last.tokens,
            prompt_tokens=max(last.prompt_tokens - last.reused_tokens, 0) or None,
            tokens_per_second=rate,
            first_token_after=first,
            load=load,
        )
