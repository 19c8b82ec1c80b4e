"""What judged interactions suggest: an answer, a route, or words for the model. Pure: nothing is stored here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aistack_backend.learning.lessons import ASKED, Judged
from aistack_backend.learning.meaning import Sense
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.words import agree, key
from aistack_backend.wire.learning import PatternKind

TEACHERS = 2
"""Interactions that must agree before anything is made of them."""
STEADY = 0.8
"""The share of a question's right answers that must say the same; else the answer changes, and is not kept."""
HEARD = 5
"""Judged answers of a route before it is compared with another."""
CLEARLY = 0.2
"""By so much more of its answers must be good before the remote route is preferred."""
EXAMPLES = 3
"""Corrections that one addition to a prompt tells of."""
LONGEST = 600
"""Characters of an example."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pattern as it could be."""

    kind: PatternKind
    key: str
    question: str
    says: str
    teachers: tuple[int, ...]
    task_class: str = ""
    sources: tuple[str, ...] = ()
    value: float | None = None
    sense: Sense | None = None
    """Of the question; None = it speaks to a class."""


def answers(lessons: Sequence[Judged], senses: Sequence[Sense], groups: Sequence[int]) -> list[Proposal]:
    """Return an answer for each question that was answered right, in the same way, by at least ``TEACHERS``."""
    members: dict[int, list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        if _answers(lessons[at]):
            members[group].append(at)
    found = [_answer([lessons[at] for at in mine], senses[group]) for group, mine in members.items()]
    return [one for one in found if one is not None]


def routes(lessons: Sequence[Judged]) -> list[Proposal]:
    """Return the route that is better for each class of questions; the local one where neither is."""
    classes: dict[str, dict[str, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    for one in lessons:
        held = one.told.interaction
        if held.source in ASKED and held.task_class and held.route in ("local", "remote") and not one.held_out:
            classes[held.task_class][held.route].append(one)
    found = []
    for name, by_route in classes.items():
        local, remote = by_route["local"], by_route["remote"]
        if min(len(local), len(remote)) < HEARD:
            continue
        better = "remote" if _good(remote) >= _good(local) + CLEARLY else "local"
        if better == "local" and _good(local) < _good(remote):
            continue  # neither clearly: what it costs is a person's choice
        mine = [one for one in by_route[better] if one.told.verdict is Verdict.GOOD]
        teachers = tuple(one.told.id for one in mine)
        found.append(Proposal(PatternKind.ROUTE, name, name, better, teachers, name, value=_mean(mine)))
    return found


def prompts(lessons: Sequence[Judged]) -> list[Proposal]:
    """Return what a model should be told for each class in which at least ``TEACHERS`` answers were corrected."""
    classes: dict[str, list[Judged]] = defaultdict(list)
    for one in lessons:
        if one.told.interaction.task_class and one.told.verdict is Verdict.CORRECTED and one.teaches and one.first:
            classes[one.told.interaction.task_class].append(one)
    found = []
    for name, mine in classes.items():
        newest = {key(one.told.interaction.query): one for one in mine}  # the last correction of a question counts
        chosen = list(newest.values())[-EXAMPLES:]
        if len(chosen) >= TEACHERS:
            teachers = tuple(one.told.id for one in chosen)
            says = "\n".join(["People corrected earlier answers of this kind; right were:", *map(_example, chosen)])
            found.append(Proposal(PatternKind.PROMPT, name, name, says, teachers, name, value=_mean(chosen)))
    return found


def _answers(one: Judged) -> bool:
    held = one.told.interaction
    return one.teaches and one.first and held.source in ASKED and held.route != "cache" and bool(key(held.query))


def _answer(mine: Sequence[Judged], sense: Sense) -> Proposal | None:
    corrected = [one for one in mine if one.told.verdict is Verdict.CORRECTED]
    leads = corrected[-1:] or mine  # a person's newest words before what a model said
    best = max(leads, key=lambda lead: sum(agree(lead.right, one.right) for one in mine))
    if corrected:  # what was taken for right before the first such correction counts no more
        since = next(one.told.id for one in corrected if agree(best.right, one.right))
        mine = [one for one in mine if one.told.id >= since]
    agreeing = [one for one in mine if agree(best.right, one.right)]
    if len(agreeing) < TEACHERS or len(agreeing) < STEADY * len(mine):
        return None
    held = best.told.interaction
    classes = Counter(one.told.interaction.task_class for one in agreeing)
    return Proposal(
        PatternKind.ANSWER,
        key(sense.text),
        sense.text,
        best.right,
        tuple(one.told.id for one in agreeing),
        classes.most_common(1)[0][0],
        held.sources,
        _mean(agreeing),
        sense,
    )


def _example(one: Judged) -> str:
    return f"Q: {one.told.interaction.query[:LONGEST]}\nA: {one.right[:LONGEST]}"


def _good(mine: Sequence[Judged]) -> float:
    return sum(one.told.verdict is Verdict.GOOD for one in mine) / len(mine)


def _mean(mine: Sequence[Judged]) -> float | None:
    known = [one.parts.value for one in mine if one.parts.value is not None]
    return round(sum(known) / len(known), 4) if known else None
