"""Learning: what the coordinator asks, what a person changes, and the runs between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Conflict
from aistack_backend.knowledge.port import Embeds
from aistack_backend.learning import active, board, dataset, lessons, rows
from aistack_backend.learning.active import Active
from aistack_backend.learning.meaning import Meaning
from aistack_backend.learning.models import Hints, Solution, Told, Verdict
from aistack_backend.learning.review import Review
from aistack_backend.learning.runs import Runs
from aistack_backend.learning.telemetry import Telemetry, told
from aistack_backend.learning.trials import Model
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import lesson, pattern, setting
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.learning import (
    Dataset,
    LearningStatus,
    Lesson,
    Pattern,
    PatternDetail,
    PatternState,
    Run,
)

PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSettings:
    """What the configuration says of learning."""

    enabled: bool = True
    interval: float = 3600.0
    threshold: int = 1000


class Learning:
    """Implements ``port.Learned``. ``recall``, ``hints`` and ``run`` belong to one event loop, the rest to any
    thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        redactor: Redactor,
        settings: LearningSettings,
        embeds: Embeds | None = None,
        model: Model | None = None,
    ) -> None:
        self._database, self._clock, self.settings = database, clock, settings
        self.telemetry = Telemetry(database, clock, redactor)
        self.review = Review(database, clock, redactor)
        self._meaning = Meaning(embeds)
        self._active = Active(database)
        self.runs = Runs(database, clock, self._meaning, self.review, model)
        self.changed: list[Callable[[], None]] = []
        """Called after each change of what is learned, from any thread."""

    async def recall(self, query: str) -> Solution | None:
        """See ``port.Learned``; None too when learning is switched off, or the store does not answer now."""
        if not self.settings.enabled:
            return None
        try:
            known = await asyncio.to_thread(self._active.now)
            if (number := active.exact(known, query)) is not None:
                return await asyncio.to_thread(self._active.solution, number, 1.0)
            if not known.by_meaning or not query.strip():
                return None
            (sense,) = await self._meaning.senses([query])
            found = active.near(known, sense)
            return None if found is None else await asyncio.to_thread(self._active.solution, *found)
        except BackendError:
            return None

    async def hints(self, query: str, task_class: str) -> Hints:
        """See ``port.Learned``; no hint too when learning is switched off, or the store does not answer now."""
        if not self.settings.enabled:
            return Hints()
        try:
            return active.hints(await asyncio.to_thread(self._active.now), task_class)
        except BackendError:
            return Hints()

    async def run(self, by: str) -> Run:
        """Learn now.

        Raises:
            Conflict: learning is switched off, or a run goes on already.
        """
        if not self.settings.enabled:
            raise Conflict("Learning is switched off (learning.enabled = false).", "Switch it on, and start again.")
        done = await self.runs.run(by, self.tell)
        await asyncio.to_thread(self.tell)
        return done

    def judge(self, number: int, verdict: Verdict, by: str, correction: str = "") -> Lesson:
        """Judge an answer; see ``Telemetry.judge``."""
        one = self.telemetry.judge(number, verdict, by, correction)
        self.tell()
        return self._lesson(one)

    def lesson(self, number: int) -> Lesson:
        """Return an interaction with its value; NotFound when there is none."""
        return self._lesson(self.telemetry.get(number))

    def patterns(self, state: PatternState | None = None) -> tuple[Pattern, ...]:
        """Return patterns (of one state): active, quarantined, candidates, rolled back."""
        where = [] if state is None else [pattern.c.state == state.value]
        with self._database.read() as connection:
            return rows.patterns(connection, *where)

    def pattern(self, number: int) -> PatternDetail:
        """Return a pattern with what taught it and how it was tried; NotFound when there is none."""
        with self._database.read() as connection:
            one = rows.known(connection, number)
            mine = select(telemetry).join(lesson, lesson.c.interaction_id == telemetry.c.id)
            taught = connection.execute(mine.where(lesson.c.pattern_id == number).order_by(telemetry.c.id)).all()
            shown = [lessons.shown(told(row), lessons.parts_of(connection, row.id)) for row in taught]
            return PatternDetail(pattern=one, lessons=tuple(shown), trials=rows.trials(connection, number))

    def roll_back(self, number: int, reason: str, by: str) -> Pattern:
        """Take a pattern back: it says nothing any more, and the same lessons never make it again.

        Raises:
            NotFound: there is no such pattern. Conflict: it was rolled back before.
        """
        why = f"Rolled back by {by}{f': {reason.strip()}' if reason.strip() else '.'}"
        return self._move(number, PatternState.ROLLED_BACK, why, PatternState.ROLLED_BACK)

    def retry(self, number: int, by: str) -> Pattern:
        """Let a quarantined or rolled back pattern be tried again; it becomes active only by passing a new trial.

        Raises:
            NotFound: there is no such pattern. Conflict: it is active, or waits for its trial already.
        """
        barred = (PatternState.ACTIVE, PatternState.CANDIDATE)
        return self._move(number, PatternState.CANDIDATE, f"To be tried again, by {by}.", *barred)

    def pause(self, paused: bool) -> None:
        """Make no more runs by the clock, or make them again; what was learned stays in use."""
        with self._database.tx() as connection:
            connection.execute(delete(setting).where(setting.c.key == PAUSED))
            if paused:
                connection.execute(insert(setting).values(key=PAUSED, value="1"))
        self.tell()

    @property
    def paused(self) -> bool:
        """No runs are made by the clock."""
        with self._database.read() as connection:
            return connection.execute(select(setting.c.value).where(setting.c.key == PAUSED)).first() is not None

    def export(self, path: str) -> Dataset:
        """Write the accepted samples; see ``dataset.export``."""
        return dataset.export(self._database, self.review, self._clock, path, self.settings.threshold)

    def status(self) -> LearningStatus:
        """Return how learning stands."""
        held, newest, paused = self.settings, self.runs.newest(), self.paused
        off = paused or not held.enabled
        return board.status(
            self._database,
            self._clock.now(),
            enabled=held.enabled,
            paused=paused,
            interval=held.interval,
            next_run=None if off or not newest else self.runs.due(held.interval, newest[0]),
            threshold=held.threshold,
            review=self.review.list(),
            runs=newest,
            model=self._meaning.model,
        )

    def _move(self, number: int, state: PatternState, reason: str, *barred: PatternState) -> Pattern:
        with self._database.tx() as connection:
            one = rows.known(connection, number)
            if one.state in barred:
                raise Conflict(f"Pattern {number} is {one.state.value} already.")
            rows.move(connection, number, state, reason, self._clock.now())
            found = rows.known(connection, number)
        self.tell()
        return found

    def _lesson(self, one: Told) -> Lesson:
        with self._database.read() as connection:
            return lessons.shown(one, lessons.parts_of(connection, one.id))

    def tell(self) -> None:
        """Tell those who listen that something changed; for who changes samples through ``review``."""
        for call in self.changed:
            call()
