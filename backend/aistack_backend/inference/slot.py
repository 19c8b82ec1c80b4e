"""One sequence of the context: what it holds, and the answer that is made in it. Child only."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aistack_backend.inference.answers import Progress
from aistack_backend.inference.models import Rank
from aistack_backend.inference.protocol import Order
from aistack_backend.inference.sampling import Sampler
from aistack_backend.wire.models import Slot as Shown


@dataclass(slots=True)
class Answer:
    """A request that has a slot."""

    order: Order
    prompt: list[int]
    sampler: Sampler
    progress: Progress
    room: int
    """Tokens of the context that it may fill, prompt and answer together."""
    text: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    token: int | None = None
    """Sampled, and not computed yet."""


@dataclass(slots=True)
class Slot:
    """``held`` are the tokens whose keys and values are in the context, in order, also after an answer."""

    number: int
    held: list[int] = field(default_factory=list)
    used_at: int = 0
    answer: Answer | None = None

    def due(self) -> list[int]:
        """Tokens that are to be computed next: the rest of the prompt, or the newest token."""
        if self.answer is None:
            return []
        if self.answer.token is not None:
            return [self.answer.token]
        return self.answer.prompt[len(self.held) :]

    def shown(self) -> Shown:
        """Return it as the screens show it."""
        answer, held = self.answer, len(self.held)
        if answer is None:
            return Shown(number=self.number, held=held)
        return Shown(
            number=self.number,
            rank="person" if answer.order.rank == Rank.PERSON else "agent",
            held=held,
            prompt=len(answer.prompt),
            prompt_done=min(held, len(answer.prompt)),
            tokens=answer.progress.tokens,
            tokens_per_second=answer.progress.rate,
        )


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens both begin with."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(at for at in range(length) if one[at] != other[at])
