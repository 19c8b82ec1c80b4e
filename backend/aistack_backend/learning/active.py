"""The active patterns as a question meets them, read anew whenever one changed."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from aistack_backend.learning.meaning import Sense, likeness, same
from aistack_backend.learning.models import Hints, Solution
from aistack_backend.learning.words import key
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import lesson, pattern
from aistack_backend.wire.learning import PatternKind, PatternState

Stamp = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    number: int
    says: str
    sense: Sense
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is active, as of one moment."""

    stamp: Stamp = ()
    answers: Sequence[_Answer] = ()
    by_key: dict[str, _Answer] = field(default_factory=dict)
    routes: dict[str, tuple[int, str]] = field(default_factory=dict)
    prompts: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def by_meaning(self) -> bool:
        """Some answers are found by meaning as well."""
        return any(one.sense.vector is not None for one in self.answers)


class Active:
    """Belongs to any thread: another process may learn on the same store, so each question looks at the stamp."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Known()
        self._lock = threading.Lock()

    def now(self) -> Known:
        """Return what is active now."""
        with self._database.read() as connection:
            stamp = _stamp(connection)
            with self._lock:
                if self._known.stamp == stamp:
                    return self._known
            known = _read(connection, stamp)
        with self._lock:
            self._known = known
        return known

    def solution(self, number: int, similarity: float) -> Solution | None:
        """Return a learned answer with those that taught it; None when it is no longer active."""
        wanted = select(pattern.c.says, pattern.c.sources).where(pattern.c.id == number, _ACTIVE)
        taught = select(lesson.c.interaction_id).where(lesson.c.pattern_id == number).order_by(lesson.c.interaction_id)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
            ids = tuple(connection.execute(taught).scalars())
        if row is None:
            return None
        sources = tuple(json.loads(row.sources))
        return Solution(pattern=number, answer=row.says, similarity=similarity, taught_by=ids, sources=sources)


def exact(known: Known, query: str) -> int | None:
    """Return the pattern that answers the same words; None when none does."""
    found = known.by_key.get(key(query))
    return found.number if found else None


def near(known: Known, sense: Sense) -> tuple[int, float] | None:
    """Return the pattern whose question means the same, and how alike they are; None when none does."""
    ranked = [(likeness(sense, one.sense), -one.number) for one in known.answers if same(sense, one.sense)]
    if not ranked:
        return None
    alike, number = max(ranked)
    return -number, alike


def hints(known: Known, task_class: str) -> Hints:
    """Return what is known about questions of a class."""
    route, prompt = known.routes.get(task_class), known.prompts.get(task_class)
    told = [
        route and f"pattern {route[0]} prefers the {route[1]} route for {task_class}",
        prompt and f"pattern {prompt[0]} tells what was corrected in {task_class}",
    ]
    sentence = "; ".join(one for one in told if one)
    return Hints(
        prefer=route[1] if route else "",
        prompt=prompt[1] if prompt else "",
        patterns=tuple(one[0] for one in (route, prompt) if one),
        why=f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "",
    )


_ACTIVE = pattern.c.state == PatternState.ACTIVE.value


def _stamp(connection: Connection) -> Stamp:
    """Return what is another whenever an active pattern came, went, changed, or got a vector of another model."""
    models = func.min(pattern.c.model), func.max(pattern.c.model)
    counts = select(func.count(), func.max(pattern.c.changed_at), func.sum(pattern.c.id), *models).where(_ACTIVE)
    return tuple(connection.execute(counts).one())


def _read(connection: Connection, stamp: Stamp) -> Known:
    known = Known(stamp, answers := [])
    for row in connection.execute(select(pattern).where(_ACTIVE).order_by(pattern.c.id)):
        if row.kind == PatternKind.ANSWER.value:
            sense = Sense(row.question, row.vector, row.model)
            one = _Answer(row.id, row.says, sense, tuple(json.loads(row.sources)))
            answers.append(one)
            known.by_key.setdefault(row.key, one)
        elif row.kind == PatternKind.ROUTE.value:
            known.routes[row.task_class] = (row.id, row.says)
        elif row.kind == PatternKind.PROMPT.value:
            known.prompts[row.task_class] = (row.id, row.says)
    return known
