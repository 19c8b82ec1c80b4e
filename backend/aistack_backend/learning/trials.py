"""A pattern before and after, on held-out interactions that taught it nothing (ADR 0034).

It becomes active only when it has at least ``CASES`` held-out cases, at least ``RIGHT`` of them come out right, none
fewer than before, and either more than before, or as many and quicker or cheaper. Else it stays a candidate, and the
figures say why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from statistics import median
from typing import Protocol

from aistack_backend.learning.lessons import ASKED, Judged
from aistack_backend.learning.meaning import Index, Sense
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.words import agree
from aistack_backend.wire.learning import Trial

CASES = 2
RIGHT = 0.8
MOST_ASKED = 6
"""Held-out questions that a model is asked for one trial of a prompt, each twice."""


class Model(Protocol):
    """Answers a question with, or without, something told beside it."""

    async def answer(self, query: str, told: str) -> str:
        """Return the whole answer.

        Raises:
            BackendError: no model can answer now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One held-out interaction, without and with the pattern."""

    before: bool
    after: bool
    seconds_before: float | None = None
    seconds_after: float | None = None
    cost_before: str | None = None
    cost_after: str | None = None


class HeldOut:
    """The held-out interactions that a learned answer could speak to, found by their questions."""

    def __init__(self, lessons: Sequence[Judged], senses: Sequence[Sense]) -> None:
        both = [(one, sense) for one, sense in zip(lessons, senses, strict=True) if _usable(one)]
        self._lessons = [one for one, _ in both]
        self._index = Index([sense for _, sense in both])

    def cases(self, sense: Sense, says: str, since: int, lookup: float) -> list[Case]:
        """Return the cases of a learned answer: every question that would get it, and that is not older than its first
        lesson (``since``): what was right before a correction is right no more.

        ``lookup`` is how many seconds a learned answer takes, as just measured.
        """
        cases = []
        for at in self._index.alike(sense):
            one, held = self._lessons[at], self._lessons[at].told.interaction
            wrong = not one.right and agree(held.answer, says)
            if one.told.id >= since and (one.right or wrong):  # else it is not known what would have been right
                fits = bool(one.right) and agree(one.right, says)
                free = None if held.cost is None else "0"
                cases.append(Case(_good(one), fits, held.latency, lookup, held.cost, free))
        return cases


def of_route(lessons: Sequence[Judged], task_class: str, route: str) -> list[Case]:
    """Return the held-out cases of a class that went the other way or this one.

    After is told by those that went this way: each of the others counts as right with their share.
    """
    mine = [
        one
        for one in lessons
        if one.held_out and one.told.interaction.task_class == task_class and one.told.interaction.source in ASKED
    ]
    this = [one for one in mine if one.told.interaction.route == route]
    that = [one for one in mine if one.told.interaction.route in {"local", "remote"} - {route}]
    if not this or not that:
        return []
    share = sum(map(_good, this)) / len(this)
    seconds = _median(one.told.interaction.latency for one in this)
    costs = [one.told.interaction.cost for one in this]
    total = summed(costs)
    mean = None if total is None else str(Decimal(total) / len(costs))
    likely = round(share * len(that))
    went = [(one, _good(one)) for one in this] + [(one, at < likely) for at, one in enumerate(that)]
    return [
        Case(_good(one), after, one.told.interaction.latency, seconds, one.told.interaction.cost, mean)
        for one, after in went
    ]


def asked_of(lessons: Sequence[Judged], task_class: str) -> Sequence[Judged]:
    """Return the held-out questions that a model is asked for a class."""
    mine = [one for one in lessons if one.held_out and one.right and one.told.interaction.task_class == task_class]
    return mine[-MOST_ASKED:]


async def of_prompt(lessons: Sequence[Judged], task_class: str, says: str, model: Model) -> list[Case]:
    """Ask the model each held-out question of a class, without and with what it is to be told.

    Raises:
        BackendError: no model can answer now.
    """
    cases = []
    for one in asked_of(lessons, task_class):
        query = one.told.interaction.query
        bare, bare_took = await _asked(model, query, "")
        told, told_took = await _asked(model, query, says)
        cases.append(Case(agree(bare, one.right), agree(told, one.right), bare_took, told_took))
    return cases


def verdict(cases: Sequence[Case], now: float) -> Trial:
    """Return what these cases say, and whether the pattern may become active."""
    before, after = sum(one.before for one in cases), sum(one.after for one in cases)
    slow, quick = _median(one.seconds_before for one in cases), _median(one.seconds_after for one in cases)
    dear, cheap = summed([one.cost_before for one in cases]), summed([one.cost_after for one in cases])
    gains = [
        after > before and f"{after - before} more right",
        slow is not None and quick is not None and quick < slow and f"{slow:.3g} s before, {quick:.3g} s after",
        dear is not None and cheap is not None and Decimal(cheap) < Decimal(dear) and f"cost {dear}, then {cheap}",
    ]
    told = "; ".join(gain for gain in gains if gain)
    told = f"{before} of {len(cases)} held-out cases were right before, {after} after" + (f": {told}." if told else ".")
    if len(cases) < CASES:
        passed, why = False, f"Too few held-out cases: {len(cases)} of {CASES}."
    elif after < before or after < RIGHT * len(cases):
        passed, why = False, f"It does not do better: {told}"
    elif not any(gains):
        passed, why = False, f"It changes nothing: {told}"
    else:
        passed, why = True, f"It does better: {told}"
    return Trial(
        at=now,
        cases=len(cases),
        before=before,
        after=after,
        seconds_before=slow,
        seconds_after=quick,
        cost_before=dear,
        cost_after=cheap,
        passed=passed,
        detail=why,
    )


def summed(costs: Sequence[str | None]) -> str | None:
    """Return the exact sum; None when one of them is not known, or there is none."""
    try:
        numbers = [Decimal(one) for one in costs if one is not None]
    except InvalidOperation:
        return None
    return str(sum(numbers, Decimal(0))) if numbers and len(numbers) == len(costs) else None


async def _asked(model: Model, query: str, told: str) -> tuple[str, float]:
    began = time.perf_counter()
    return await model.answer(query, told), time.perf_counter() - began


def _usable(one: Judged) -> bool:
    held = one.told.interaction
    return one.held_out and one.first and held.source in ASKED and held.route != "cache"


def _good(one: Judged) -> bool:
    return one.told.verdict is Verdict.GOOD


def _median(numbers: Iterable[float | None]) -> float | None:
    known = [one for one in numbers if one is not None]
    return median(known) if known else None
