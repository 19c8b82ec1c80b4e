"""What a person wishes of work that runs in another process: a worker reads it from the rows that the backend wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from aistack_backend.engine.ledger import EffectState
from aistack_backend.store.database import Database
from aistack_backend.store.mark_tables import effect_mark
from aistack_backend.store.tables import effect

EVERY = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One task that is to end or to pause; each text is a sentence naming who, or empty."""

    task_id: int
    stop: str
    pause: str


def wishes(database: Database, tasks: Sequence[int]) -> list[Wish]:
    """Return what is wished of these tasks.

    Raises:
        Unavailable: the database cannot be read.
    """
    if not tasks:
        return []
    query = (
        select(effect.c.task_id, effect.c.outcome, effect_mark.c.pausing)
        .outerjoin(effect_mark, effect_mark.c.key == effect.c.key)
        .where(effect.c.task_id.in_(tasks) & (effect.c.state == EffectState.BEGUN))
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [Wish(row.task_id, row.outcome, row.pausing or "") for row in rows if row.outcome or row.pausing]
