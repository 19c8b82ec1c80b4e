"""Whether an adapter is kept: it has to do better on lines that it never saw, by a written margin (ADR 0041).

Two bars, each on the mean over the held-out lines of the nats a token that are gained:

* over the base model: at least ``MARGIN``, and at least ``ERRORS`` standard errors;
* over a control, the same recipe on the same lines with the answers dealt to other questions: the same. Without it a
  dataset of labels by chance would pass, since its tone alone is worth much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

MARGIN = 0.02
ERRORS = 3.0
APART = 0.05
"""Our forward pass and llama.cpp may differ by so many nats a token; beyond, we would learn for another model."""


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better, over the lines."""

    mean: float
    error: float
    """Standard error of the mean."""

    @property
    def clear(self) -> bool:
        """It is over the bar."""
        return self.mean >= MARGIN and self.mean >= ERRORS * self.error


def gain(before: Sequence[float], after: Sequence[float]) -> Gain:
    """Return what is gained from ``before`` to ``after``, line by line.

    Raises:
        ValueError: they are not two or more pairs.
    """
    if len(before) != len(after) or len(before) < 2:
        raise ValueError("A gain needs two or more pairs.")
    each = [one - other for one, other in zip(before, after, strict=True)]
    return Gain(fmean(each), stdev(each) / len(each) ** 0.5)


def refusal(over_base: Gain, over_control: Gain | None) -> str:
    """Return why an adapter is not kept, in one sentence; empty = it is kept."""
    if not over_base.clear:
        return f"It does not do better than the model alone on held-out lines: {_told(over_base)}."
    if over_control is not None and not over_control.clear:
        return (
            "It does no better on held-out lines than one that learned the same answers dealt to other questions: "
            f"{_told(over_control)}. The answers do not follow from the questions."
        )
    return ""


def _told(one: Gain) -> str:
    needed = max(MARGIN, ERRORS * one.error)
    return f"{one.mean:+.3f} nats a token are gained, {needed:.3f} are needed"
