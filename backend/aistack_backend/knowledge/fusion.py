"""Join two orders of the same things into one, without comparing their scores.

Reciprocal rank fusion: each thing has the sum of 1 / (60 + its rank) over the orders that it is in (Cormack, Clarke and
Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Sequence

K = 60
"""The constant of the paper."""


def fused(*orders: Sequence[int]) -> list[tuple[int, float]]:
    """Return every thing with its score, the best first; the smaller number first where scores are alike."""
    scores: dict[int, float] = {}
    for order in orders:
        for rank, thing in enumerate(order, 1):
            scores[thing] = scores.get(thing, 0.0) + 1 / (K + rank)
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))
