"""One run of learning: read what is new, score it, propose, try, keep, collect, and fill the review queue."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Conflict
from aistack_backend.learning import collecting, keeping, lessons, proposals, rows, trials
from aistack_backend.learning.active import Active
from aistack_backend.learning.keeping import Held
from aistack_backend.learning.lessons import Judged
from aistack_backend.learning.meaning import Meaning, Sense, grouped, nearest
from aistack_backend.learning.review import Review
from aistack_backend.learning.value import scored
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import run
from aistack_backend.wire.learning import PatternKind, PatternState, Run, Trial

log = logging.getLogger(__name__)
SHOWN = 20
TOGETHER = 25
"""Trials that are kept in one transaction: others wait for the store meanwhile, and each commit waits for the disk."""
REST = 2.0
"""By so many times as long as a run took the next one begins later: a slow one has at most half of the time."""
COUNTS = ("read", "taught", "made", "activated", "collected", "samples")


class Runs:
    """Belongs to one event loop; one run at a time."""

    def __init__(
        self, database: Database, clock: Clock, meaning: Meaning, review: Review, model: trials.Model | None
    ) -> None:
        self._database, self._clock, self._meaning, self._review = database, clock, meaning, review
        self.model = model
        """Asked for the trials of prompts; None = there is none, and prompts stay candidates."""
        self._active = Active(database)
        self._one = asyncio.Lock()
        self._clean: dict[int, tuple[float | None, bool]] = {}

    async def run(self, by: str, begun: Callable[[], None] = lambda: None) -> Run:
        """Learn from what was judged since the last run; exactly one line of the log tells of it.

        A fault ends the run and is kept with it; what was stored before stays. ``begun`` is called when it goes on.

        Raises:
            Conflict: one goes on already, which reads the same; they never wait in line.
        """
        if self._one.locked():
            raise Conflict("A run of learning goes on already.", "See what it makes; ask again when it has ended.")
        async with self._one:
            began = self._clock.mono()
            made = await asyncio.to_thread(self._begin, by)
            begun()
            counts: Counter[str] = Counter()
            detail = ""
            try:
                await self._learn(counts)
            except BackendError as error:
                detail = error.detail
            except Exception as error:
                detail = f"{type(error).__name__}: {error}"
                log.debug("the run %d broke", made.id, exc_info=True)
            took = self._clock.mono() - began
            figures: dict[str, Any] = {name: counts[name] for name in COUNTS}
            done = replace(made, took=took, ok=not detail, detail=detail, **figures)
            await asyncio.to_thread(self._end, done)
            log.log(logging.WARNING if detail else logging.INFO, "%s", told(done))
            return done

    def due(self, interval: float, last: Run) -> float:
        """Return when the run after ``last`` is due: an interval later, or when it took long, after a rest."""
        return last.began_at + max(interval, REST * (last.took or 0.0))

    def newest(self, most: int = SHOWN) -> tuple[Run, ...]:
        """Return the newest runs, newest first."""
        with self._database.read() as connection:
            found = connection.execute(select(run).order_by(run.c.id.desc()).limit(most)).all()
        return tuple(
            Run(
                id=row.id,
                began_at=row.began_at,
                by=row.by,
                took=row.took,
                ok=None if row.ok is None else bool(row.ok),
                detail=row.detail,
                **{name: getattr(row, name) for name in COUNTS},
            )
            for row in found
        )

    async def _learn(self, counts: Counter[str]) -> None:
        found, fresh, patterns = await asyncio.to_thread(self._read)
        senses = await self._meaning.senses([one.told.interaction.query for one in found])
        await self._renew(patterns)
        groups = await asyncio.to_thread(grouped, senses)
        found = await asyncio.to_thread(self._score, found, fresh, senses, groups, patterns)
        counts["read"] = len(fresh)
        counts["taught"] = sum(one.teaches for one in found if one.told.id in fresh)
        wanted = [*proposals.answers(found, senses, groups), *proposals.routes(found), *proposals.prompts(found)]
        counts["made"] = await asyncio.to_thread(self._take, wanted)
        counts["activated"] = await self._try(found, senses)
        counts["collected"] = await asyncio.to_thread(self._collect)
        counts["samples"] = await asyncio.to_thread(self._review.offer, found)

    def _read(self) -> tuple[list[Judged], set[int], list[Held]]:
        with self._database.read() as connection:
            found = lessons.judged(connection)
            fresh = lessons.unread(connection) & {one.told.id for one in found}
            patterns = keeping.held(connection)
        return [replace(one, clean=self._is_clean(one)) for one in found], fresh, patterns

    def _is_clean(self, one: Judged) -> bool:
        """Return whether it holds nothing private; looked at once for each judgement."""
        known = self._clean.get(one.told.id)
        if known is None or known[0] != one.told.judged_at:
            known = self._clean[one.told.id] = (one.told.judged_at, not lessons.private(one.told, one.right))
        return known[1]

    async def _renew(self, patterns: list[Held]) -> None:
        """Embed the questions of answers whose vectors are of another model than the one that embeds now."""
        mine = [one for one in patterns if one.kind is PatternKind.ANSWER]
        senses = await self._meaning.senses([one.sense.text for one in mine])
        changed = [
            (one, sense) for one, sense in zip(mine, senses, strict=True) if sense.model not in ("", one.sense.model)
        ]
        if changed:
            await asyncio.to_thread(self._keep_vectors, changed)
            now = {one.number: sense for one, sense in changed}
            patterns[:] = [replace(one, sense=now.get(one.number, one.sense)) for one in patterns]

    def _keep_vectors(self, changed: Sequence[tuple[Held, Sense]]) -> None:
        with self._database.tx() as connection:
            for one, sense in changed:
                keeping.renew(connection, one.number, sense)

    def _score(
        self,
        found: Sequence[Judged],
        fresh: set[int],
        senses: Sequence[Sense],
        groups: Sequence[int],
        patterns: Sequence[Held],
    ) -> list[Judged]:
        """Give each new one its value and keep it."""
        askers: dict[int, set[str]] = {}
        for one, group in zip(found, groups, strict=True):
            askers.setdefault(group, set()).add(_asker(one))
        old = [one.sense for one in patterns if one.kind is PatternKind.ANSWER]
        scores = list(found)
        new = [at for at, one in enumerate(found) if one.told.id in fresh]
        near = nearest([senses[at] for at in new], old)
        with self._database.tx() as connection:
            for at, likest in zip(new, near, strict=True):
                one = found[at]
                parts = scored(one.told, len(askers[groups[at]]) - 1, likest)
                lessons.keep(connection, one.told, parts)
                scores[at] = replace(one, parts=parts)
        return scores

    def _take(self, wanted: Sequence[proposals.Proposal]) -> int:
        with self._database.tx() as connection:
            return keeping.take(connection, wanted, self._clock.now())

    async def _try(self, found: Sequence[Judged], senses: Sequence[Sense]) -> int:
        """Try each candidate on the held-out; return how many became active."""
        waiting = await asyncio.to_thread(self._waiting)
        if not waiting:
            return 0
        lookup = await self._lookup([one.text for one in senses[-1:]])
        held_out = await asyncio.to_thread(trials.HeldOut, found, senses)
        answers = [one for one in waiting if one.kind is PatternKind.ANSWER]
        made = await asyncio.to_thread(self._try_answers, answers, held_out, lookup)
        for one in waiting:
            if one.kind is not PatternKind.ANSWER:
                made.append((one, await self._trial(one, found)))
        return await asyncio.to_thread(self._tried, made)

    def _waiting(self) -> list[Held]:
        with self._database.read() as connection:
            return [one for one in keeping.held(connection) if one.state is PatternState.CANDIDATE]

    def _try_answers(
        self, answers: Sequence[Held], held_out: trials.HeldOut, lookup: float
    ) -> list[tuple[Held, Trial]]:
        now = self._clock.now()
        return [(one, trials.verdict(held_out.cases(one.sense, one.says, one.since, lookup), now)) for one in answers]

    async def _trial(self, one: Held, found: Sequence[Judged]) -> Trial:
        now = self._clock.now()
        if one.kind is PatternKind.ROUTE:
            return trials.verdict(trials.of_route(found, one.task_class, one.says), now)
        why = "No model is there that could be asked the held-out questions."
        if self.model is not None:
            if known := await asyncio.to_thread(self._tried_before, one, found):
                return known
            try:
                return trials.verdict(await trials.of_prompt(found, one.task_class, one.says, self.model), now)
            except BackendError as error:
                why = f"It could not be tried: {error.detail}"
        return Trial(at=now, cases=0, before=0, after=0, passed=False, detail=why)

    def _tried_before(self, one: Held, found: Sequence[Judged]) -> Trial | None:
        """Return the last trial of a prompt when nothing is new for it: a model is not asked the same each hour."""
        with self._database.read() as connection:
            last = rows.trials(connection, one.number)[:1]
            changed = rows.known(connection, one.number).changed_at
        same = last and last[0].cases == len(trials.asked_of(found, one.task_class)) and changed <= last[0].at
        return last[0] if same else None

    async def _lookup(self, texts: Sequence[str]) -> float:
        """Return how many seconds a learned answer takes now: its vector, and the look into the store."""
        began = time.perf_counter()
        await self._meaning.senses(texts)
        await asyncio.to_thread(self._active.now)
        return time.perf_counter() - began

    def _tried(self, made: Sequence[tuple[Held, Trial]]) -> int:
        """Keep what is new, a few in each short transaction; return how many became active."""
        with self._database.read() as connection:
            new = keeping.news(connection, made)
        passed = 0
        for at in range(0, len(new), TOGETHER):
            with self._database.tx() as connection:
                passed += sum(keeping.tried(connection, one.number, trial) for one, trial in new[at : at + TOGETHER])
        return passed

    def _collect(self) -> int:
        with self._database.tx() as connection:
            return collecting.collect(connection, self._clock.now())

    def _begin(self, by: str) -> Run:
        now = self._clock.now()
        with self._database.tx() as connection:
            _abandoned(connection)
            made = connection.execute(insert(run).values(began_at=now, by=by).returning(run.c.id)).scalar_one()
        return Run(id=int(made), began_at=now, by=by)

    def _end(self, one: Run) -> None:
        values = {name: getattr(one, name) for name in (*COUNTS, "took", "detail")}
        with self._database.tx() as connection:
            connection.execute(update(run).where(run.c.id == one.id).values(ok=int(bool(one.ok)), **values))


def told(one: Run) -> str:
    """Return the one line of the log."""
    if not one.ok:
        return f"Learning run {one.id} failed after {one.took or 0:.1f} s: {one.detail}"
    return (
        f"Learning run {one.id}: {one.read} judged read, {one.taught} taught, {one.made} patterns made, "
        f"{one.activated} active, {one.collected} collected, {one.samples} to review, {one.took or 0:.1f} s"
    )


def _asker(one: Judged) -> str:
    held = one.told.interaction
    return held.session or held.subject or f"#{one.told.id}"


def _abandoned(connection: Connection) -> None:
    """Say of runs that a process left behind that they did not end."""
    values = {"ok": 0, "detail": "The process ended before the run did."}
    connection.execute(update(run).where(run.c.ok.is_(None)).values(**values))
