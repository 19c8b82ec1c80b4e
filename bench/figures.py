"""What a measurement gives: named figures with a unit, and a goal where there is one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value."""

    name: str
    value: float | None
    unit: str
    goal: str = ""

    def line(self) -> str:
        """The figure as one line of text; what was not measured is a dash."""
        value = "-" if self.value is None else f"{self.value:,.1f}"
        return f"{self.name:<58} {value:>12} {self.unit:<8}" + (f" goal {self.goal}" if self.goal else "")


def ms(name: str, seconds: float, goal: str = "") -> Figure:
    """Return a duration as a figure in milliseconds."""
    return Figure(name=name, value=seconds * 1000, unit="ms", goal=goal)


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile by linear interpolation between neighbours."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def spread(name: str, seconds: Sequence[float], goal_50: str = "", goal_95: str = "") -> list[Figure]:
    """Return median and 95th percentile of durations, in milliseconds."""
    return [
        Figure(name=f"{name}, p50 of {len(seconds)}", value=percentile(seconds, 0.5) * 1000, unit="ms", goal=goal_50),
        Figure(name=f"{name}, p95 of {len(seconds)}", value=percentile(seconds, 0.95) * 1000, unit="ms", goal=goal_95),
    ]
