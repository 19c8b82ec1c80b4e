"""Confidence, measured: how far a model's answers to one question agree with each other."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Turn
from aistack_backend.knowledge.port import Embeds
from aistack_backend.orchestration.routing.models import Said
from aistack_backend.orchestration.routing.port import Model

FIRST, OTHERS = 0.3, 0.8
"""Temperatures: the answer that is given, and those it is held against."""
_WORD = re.compile(r"\w+")
HEAD = 1_000
"""Characters of an answer whose meaning is compared."""


async def sampled(
    model: Model, turns: Sequence[Turn], max_tokens: int, samples: int, embeds: Embeds | None
) -> tuple[Said, float | None, str]:
    """Return the answer, its confidence and from what that was measured.

    One sample measures nothing; one that fails beside the first is left out.
    """
    first, *others = await asyncio.gather(
        *(model.say(turns, max_tokens, FIRST if not number else OTHERS) for number in range(samples)),
        return_exceptions=True,
    )
    if isinstance(first, BaseException):
        raise first
    told = [one for one in others if isinstance(one, Said)]
    for one in others:
        if isinstance(one, BaseException) and not isinstance(one, BackendError):
            raise one
    if not told:
        return first, None, "Nothing was measured: one answer alone agrees with nothing."
    agreed, how = await _agreed([one.text for one in (first, *told)], embeds)
    return _whole(first, told), agreed, f"Agreement of {len(told) + 1} answers of {first.model}, by {how}."


async def _agreed(texts: Sequence[str], embeds: Embeds | None) -> tuple[float, str]:
    if embeds is not None and all(text.strip() for text in texts):
        try:
            found = (await embeds.embed([text[:HEAD] for text in texts])).vectors
        except BackendError:
            pass
        else:
            likeness = [sum(a * b for a, b in zip(found[0], one, strict=True)) for one in found[1:]]
            return max(0.0, min(1.0, sum(likeness) / len(likeness))), "meaning"
    shared = [words_shared(texts[0], other) for other in texts[1:]]
    return sum(shared) / len(shared), "words"


def words_shared(one: str, other: str) -> float:
    """Return the share of words that two texts have in common, 0 to 1 (Dice); two empty ones agree in nothing."""
    a, b = (Counter(_WORD.findall(text.lower())) for text in (one, other))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _whole(first: Said, others: Sequence[Said]) -> Said:
    """Return the first answer with the tokens of all; None as soon as one does not tell."""
    every = (first, *others)
    read, written = [one.tokens_in for one in every], [one.tokens_out for one in every]
    return Said(
        text=first.text,
        model=first.model,
        tokens_in=None if None in read else sum(filter(None, read)),
        tokens_out=None if None in written else sum(filter(None, written)),
        cut=first.cut,
        cost=first.cost,
        currency=first.currency,
    )
