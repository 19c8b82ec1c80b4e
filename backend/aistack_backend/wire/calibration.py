"""What the agreement of a model's answers turned out to be worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the agreement of a model's answers is worth, by how they were judged."""

    at: float
    model: str
    """Empty = of all models."""
    task_class: str
    """Empty = of all kinds of questions."""
    judgements: int
    """That it was fitted to."""
    held_out: int
    """Further ones, which it was tried on."""
    knots: tuple[tuple[float, float], ...] = ()
    """Agreement and share that was right, rising; between two of them it is on the line."""
    before: float | None = None
    """Expected calibration error of the agreement on those held out; None = too few."""
    after: float | None = None
    """Of the calibrated confidence."""
