"""Which documents say the same: each piece of one has a likeness in the other, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from aistack_backend.knowledge.stores.port import Vector

BLOCK = 512
"""Documents that are compared with all others in one go."""
SLACK = 0.1
"""By how much the means of two such documents may be less alike than their pieces are."""


def surplus(pieces: Mapping[int, Vector], order: Sequence[int], least: float) -> dict[int, tuple[int, float]]:
    """Return which documents could go: number → the one that stays for it, and the cosine of their least alike piece.

    ``pieces`` are each document's vectors of length one, one a row. Those earlier in ``order`` stay rather than those
    after them; what goes keeps nobody else from staying.
    """
    numbers = [number for number in order if number in pieces]
    gone: dict[int, tuple[int, float]] = {}
    if len(numbers) < 2:
        return gone
    means = np.stack([_mean(pieces[number]) for number in numbers])
    for at in range(0, len(numbers), BLOCK):
        close = means[at : at + BLOCK] @ means[at:].T >= least - SLACK
        for row in range(len(close)):
            if (one := numbers[at + row]) in gone:
                continue
            for column in np.nonzero(close[row, row + 1 :])[0]:
                other = numbers[at + row + 1 + int(column)]
                if other not in gone and (cosine := both_ways(pieces[one], pieces[other])) >= least:
                    gone[other] = (one, cosine)
    return gone


def both_ways(one: Vector, other: Vector) -> float:
    """Return the cosine of the piece that is least alike to any of the other document."""
    scores = one @ other.T
    return float(min(scores.max(axis=1).min(), scores.max(axis=0).min()))


def _mean(vectors: Vector) -> npt.NDArray[np.float32]:
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length else mean, dtype="<f4")
