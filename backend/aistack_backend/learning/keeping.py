"""Put what was proposed and tried into the store; every function works in its caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from aistack_backend.learning import rows
from aistack_backend.learning.meaning import Index, Sense, same
from aistack_backend.learning.proposals import Proposal
from aistack_backend.learning.words import agree
from aistack_backend.store.learning_tables import lesson, pattern, trial
from aistack_backend.wire.learning import PatternKind, PatternState, Trial


@dataclass(frozen=True, slots=True)
class Held:
    """A pattern as a run sees it."""

    number: int
    kind: PatternKind
    state: PatternState
    sense: Sense
    task_class: str
    says: str
    origin: str
    reason: str = ""
    since: int = 0
    """The first interaction that taught it; 0 = none of this installation did."""


def held(connection: Connection, *where: Any) -> list[Held]:
    """Return every pattern (of which this is true), the oldest first."""
    firsts = select(lesson.c.pattern_id, func.min(lesson.c.interaction_id)).group_by(lesson.c.pattern_id)
    if where:
        firsts = firsts.where(lesson.c.pattern_id.in_(select(pattern.c.id).where(*where)))
    since = {row[0]: int(row[1]) for row in connection.execute(firsts)}
    found = connection.execute(select(pattern).where(*where).order_by(pattern.c.id))
    return [
        Held(
            row.id,
            PatternKind(row.kind),
            PatternState(row.state),
            Sense(row.question, row.vector, row.model),
            row.task_class,
            row.says,
            row.origin,
            row.reason,
            since.get(row.id, 0),
        )
        for row in found
    ]


def take(connection: Connection, proposals: Sequence[Proposal], now: float) -> int:
    """Make patterns of what is new, teach those that say the same already; return how many were made.

    What was rolled back, or is quarantined, and says the same, is neither taught nor made again.
    """
    book, made = _Book(held(connection)), 0
    for one in proposals:
        mine = book.about(one)
        alike = [other for other in mine if agree(one.says, other.says)]
        if any(other.state in (PatternState.ROLLED_BACK, PatternState.QUARANTINED) for other in alike):
            continue
        if alike:
            rows.teach(connection, alike[0].number, one.teachers)
            continue
        for other in mine:  # a candidate that says something else was never right about it
            if other.state is PatternState.CANDIDATE and not other.origin:
                rows.remove(connection, other.number)
                book.gone.add(other.number)
        number = _make(connection, one, now)
        rows.teach(connection, number, one.teachers)
        sense = one.sense or Sense(one.question)
        book.add(Held(number, one.kind, PatternState.CANDIDATE, sense, one.task_class, one.says, ""))
        made += 1
    return made


class _Book:
    """Every pattern, found by what it speaks to."""

    def __init__(self, patterns: Sequence[Held]) -> None:
        self._answers: list[Held] = []
        self._others: list[Held] = []
        self._index = Index()
        self.gone: set[int] = set()
        for one in patterns:
            self.add(one)

    def add(self, one: Held) -> None:
        """Take one in."""
        if one.kind is PatternKind.ANSWER:
            self._index.add(one.sense)
            self._answers.append(one)
        else:
            self._others.append(one)

    def about(self, one: Proposal) -> list[Held]:
        """Return those of its kind that speak to the same."""
        if one.kind is PatternKind.ANSWER:
            found = [self._answers[at] for at in self._index.alike(one.sense or Sense(one.question))]
        else:
            found = [other for other in self._others if other.kind is one.kind and other.task_class == one.task_class]
        return [other for other in found if other.number not in self.gone]


def news(connection: Connection, found: Sequence[tuple[Held, Trial]]) -> list[tuple[Held, Trial]]:
    """Return those trials that found something else than the last one of their pattern."""
    newest = select(func.max(trial.c.id)).group_by(trial.c.pattern_id)
    last = {row.pattern_id: row for row in connection.execute(select(trial).where(trial.c.id.in_(newest)))}
    return [
        (one, new)
        for one, new in found
        if new.passed or one.number not in last or _same(last[one.number]) != _figures(new) or one.reason != new.detail
    ]


def tried(connection: Connection, number: int, new: Trial) -> bool:
    """Keep a trial unless the last one found the same; make the pattern active when it passed. Tell whether it is.

    What was active for the same questions until now is quarantined: the new one does better.
    """
    one = rows.known(connection, number)
    if one.state is not PatternState.CANDIDATE:  # rolled back in between
        return False
    last = rows.trials(connection, number)[:1]
    if not last or _figures(last[0]) != _figures(new):
        rows.keep_trial(connection, number, new)
    if not new.passed:
        if one.reason != new.detail:
            rows.move(connection, number, PatternState.CANDIDATE, new.detail, new.at)
        return False
    (mine,) = held(connection, pattern.c.id == number)
    active = (pattern.c.state == PatternState.ACTIVE.value, pattern.c.kind == one.kind.value)
    for other in held(connection, *active, pattern.c.id != number):
        if _rivals(mine, other):
            rows.move(
                connection,
                other.number,
                PatternState.QUARANTINED,
                f"Quarantined: pattern {number} was taught later, and took its place.",
                new.at,
            )
    rows.move(connection, number, PatternState.ACTIVE, new.detail, new.at)
    return True


def renew(connection: Connection, number: int, sense: Sense) -> None:
    """Keep the vector of the model that embeds now."""
    values = {"vector": sense.vector, "model": sense.model}
    connection.execute(update(pattern).where(pattern.c.id == number).values(**values))


def _rivals(one: Held, other: Held) -> bool:
    if one.kind is not other.kind:
        return False
    return same(one.sense, other.sense) if one.kind is PatternKind.ANSWER else one.task_class == other.task_class


def _make(connection: Connection, one: Proposal, now: float) -> int:
    sense = one.sense or Sense(one.question)
    return rows.make(
        connection,
        now,
        kind=one.kind.value,
        key=one.key,
        question=one.question,
        task_class=one.task_class,
        says=one.says,
        sources=one.sources,
        value=one.value,
        vector=sense.vector,
        model=sense.model,
    )


def _same(row: Row[Any]) -> tuple[int, int, int, bool]:
    return row.cases, row.before, row.after, bool(row.passed)


def _figures(one: Trial) -> tuple[int, int, int, bool]:
    return one.cases, one.before, one.after, one.passed
