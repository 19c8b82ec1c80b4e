"""What an agreement is worth: calibrated on judged answers of the same model and kind, where there are enough."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from aistack_backend.clock import Clock
from aistack_backend.learning.isotonic import Knots, error, fitted, mapped
from aistack_backend.learning.models import Verdict
from aistack_backend.learning.split import held_out
from aistack_backend.orchestration.routing.history import EVENTS, SOURCE
from aistack_backend.store.calibration_tables import calibration, measure
from aistack_backend.store.database import Database
from aistack_backend.store.telemetry_tables import telemetry as table
from aistack_backend.wire.calibration import Calibration
from aistack_backend.wire.routing import Route

ENOUGH = 30
"""Judgements that a map is fitted to at least, without those held out."""
TRIED = 10
"""Judgements held out, at least, from which its error is told."""
NEWEST = 5_000
_JUDGED = (
    table.c.source == SOURCE,
    table.c.event.in_(EVENTS),
    table.c.route == Route.LOCAL.value,
    table.c.ok == 1,
    table.c.verdict.is_not(None),
    table.c.confidence.is_not(None),
)


@dataclass(frozen=True, slots=True)
class Trust:
    """What an agreement is worth."""

    confidence: float
    """The share of such answers that was right; not calibrated: the agreement itself."""
    judgements: int
    """That it was calibrated with; 0 = it is not."""
    there: int = 0
    """Judgements that there are, where they are too few."""
    of: str = ""
    """Whose answers these were, in words."""


@dataclass(frozen=True, slots=True)
class _One:
    model: str
    task_class: str
    raw: float
    right: bool
    held_out: bool


class Calibrations:
    """Fits anew when answers were judged since; belongs to any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._fitting = threading.Lock()

    def trust(self, model: str, task_class: str, raw: float) -> Trust:
        """Return what this agreement of a model's answers is worth.

        Raises:
            Unavailable: the store cannot be read or written.
        """
        known = {(one.model, one.task_class): one for one in self.fits()}
        for key, of in (
            ((model, task_class), f"{model}, {task_class}"),
            ((model, ""), model),
            (("", ""), "all models"),
        ):
            if (held := known.get(key)) is not None:
                return Trust(mapped(held.knots, raw), held.judgements, of=of)
        with self._database.read() as connection:
            return Trust(raw, 0, there=sum(not one.held_out for one in _judged(connection)))

    def fits(self) -> tuple[Calibration, ...]:
        """Return the maps as of all judgements, that of all models first; Unavailable when there is no store."""
        with self._fitting:
            with self._database.read() as connection:
                count, newest = _mark(connection)
                kept = connection.execute(select(calibration).order_by(calibration.c.id)).all()
                if kept and (kept[0].there, kept[0].newest) == (count, newest):
                    return tuple(map(_shown, kept))
                made = _fits(_judged(connection), self._clock.now()) if count else ()
            if made or kept:
                self._keep(made, count, newest)
            return made

    def _keep(self, made: Iterable[Calibration], count: int, newest: float | None) -> None:
        names = ("at", "model", "task_class", "judgements", "held_out", "before", "after")
        with self._database.tx() as connection:
            connection.execute(delete(calibration))
            for one in made:
                values: dict[str, Any] = {name: getattr(one, name) for name in names}
                values |= {"knots": json.dumps(one.knots), "there": count, "newest": newest}
                connection.execute(insert(calibration).values(values))


def _mark(connection: Connection) -> tuple[int, float | None]:
    """Return how many judged answers there are and when the last was judged: a judgement changes one of both."""
    row = connection.execute(select(func.count(), func.max(table.c.judged_at)).where(*_JUDGED))
    count, newest = row.one()
    return int(count), newest


def _judged(connection: Connection) -> list[_One]:
    columns = (table.c.id, table.c.model, table.c.task_class, table.c.verdict, table.c.confidence, measure.c.raw)
    wanted = select(*columns).outerjoin(measure, measure.c.interaction_id == table.c.id).where(*_JUDGED)
    rows = connection.execute(wanted.order_by(table.c.id.desc()).limit(NEWEST))
    return [
        _One(
            model=row.model,
            task_class=row.task_class,
            raw=row.confidence if row.raw is None else row.raw,
            right=row.verdict == Verdict.GOOD.value,
            held_out=held_out(row.id),
        )
        for row in rows
    ]


def _fits(judged: Sequence[_One], now: float) -> tuple[Calibration, ...]:
    groups: dict[tuple[str, str], list[_One]] = {}
    for one in judged:
        for key in (("", ""), (one.model, ""), (one.model, one.task_class)):
            groups.setdefault(key, []).append(one)
    made = [_fit(key, group, now) for key, group in sorted(groups.items())]
    return tuple(one for one in made if one is not None)


def _fit(key: tuple[str, str], group: Sequence[_One], now: float) -> Calibration | None:
    taught = [(one.raw, one.right) for one in group if not one.held_out]
    tried = [(one.raw, one.right) for one in group if one.held_out]
    if len(taught) < ENOUGH:
        return None
    knots = fitted(taught)
    told = len(tried) >= TRIED
    return Calibration(
        at=now,
        model=key[0],
        task_class=key[1],
        judgements=len(taught),
        held_out=len(tried),
        knots=knots,
        before=error(tried) if told else None,
        after=error(tried, lambda raw: mapped(knots, raw)) if told else None,
    )


def _shown(row: Row[Any]) -> Calibration:
    knots: Knots = tuple((float(raw), float(share)) for raw, share in json.loads(row.knots))
    names = ("at", "model", "task_class", "judgements", "held_out", "before", "after")
    return Calibration(knots=knots, **{name: row._mapping[name] for name in names})
