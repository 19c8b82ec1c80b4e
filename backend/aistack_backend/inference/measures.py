"""What was measured of each model, kept: a short bench on request, and the answers that people and agents got."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from aistack_backend.store.database import Database
from aistack_backend.store.model_tables import model_measure
from aistack_backend.wire.shelf import Measured

KEPT = 50
"""Measurements kept of one model."""


class Measures:
    """May be called from any thread; raises Unavailable when the store cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, model: str, one: Measured) -> None:
        """Write one down; the oldest beyond ``KEPT`` of that model go."""
        with self._database.tx() as connection:
            values = {name: getattr(one, name) for name in Measured.__dataclass_fields__}
            connection.execute(insert(model_measure).values(model=model, **values))
            mine = model_measure.c.model == model
            newest = select(model_measure.c.id).where(mine).order_by(model_measure.c.id.desc()).limit(KEPT)
            least = connection.execute(select(func.min(newest.subquery().c.id))).scalar()
            connection.execute(delete(model_measure).where(mine, model_measure.c.id < least))

    def of(self, model: str) -> tuple[Measured, ...]:
        """Return what was measured of one model, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(model_measure).where(model_measure.c.model == model).order_by(model_measure.c.id.desc())
            )
            return tuple(_measured(row) for row in rows)

    def newest(self) -> dict[str, Measured]:
        """Return the newest measurement of each model that has a speed."""
        last = (
            select(func.max(model_measure.c.id))
            .where(model_measure.c.tokens_per_second.is_not(None))
            .group_by(model_measure.c.model)
        )
        with self._database.read() as connection:
            rows = connection.execute(select(model_measure).where(model_measure.c.id.in_(last))).all()
        return {row.model: _measured(row) for row in rows}


def _measured(row: object) -> Measured:
    return Measured(**{name: getattr(row, name) for name in Measured.__dataclass_fields__})
