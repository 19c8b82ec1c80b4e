"""What judging an action gives: a risk and the rules that set it."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.actions import Risk

ORDER = (Risk.LOW, Risk.MEDIUM, Risk.HIGH, Risk.DESTRUCTIVE)
"""From harmless to worst. UNKNOWN counts as the worst."""


def rank(risk: Risk) -> int:
    """Return the place of a risk in ``ORDER``; what is not in it counts as the worst."""
    return ORDER.index(risk) if risk in ORDER else len(ORDER)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A risk, and the reasons for it, most serious first."""

    risk: Risk
    reasons: tuple[str, ...]


def worst(judgements: list[Judgement]) -> Judgement:
    """Return the highest risk with all reasons, most serious first.

    Raises:
        ValueError: there is nothing to judge.
    """
    ordered = sorted(judgements, key=lambda one: rank(one.risk), reverse=True)
    if not ordered:
        raise ValueError("nothing was judged")
    reasons = dict.fromkeys(reason for one in ordered for reason in one.reasons)
    return Judgement(ordered[0].risk, tuple(reasons))
