"""Collect what is worth little, and what is there twice (ADR 0034). Works in its caller's transaction.

- A candidate that did not become active within ``STALE`` days is removed.
- An active answer that helped nobody for ``STALE`` days, and whose lessons are worth less than ``LOW``, is removed.
- Two answers to the same question that say the same become the older one, with the teachers and uses of both.

Patterns of another installation, and those that a person rolled back, are never collected.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from aistack_backend.learning import rows
from aistack_backend.learning.keeping import Held, held
from aistack_backend.learning.meaning import Index
from aistack_backend.learning.words import agree
from aistack_backend.store.learning_tables import lesson, use
from aistack_backend.wire.learning import Pattern, PatternKind, PatternState

STALE = 30 * 86_400.0
LOW = 0.7


def collect(connection: Connection, now: float) -> int:
    """Remove what is worth little, join what is there twice; return how many patterns are gone."""
    old = [one for one in rows.patterns(connection) if _worthless(one, now)]
    for one in old:
        rows.remove(connection, one.id)
    return len(old) + _join(connection, held(connection))


def _worthless(one: Pattern, now: float) -> bool:
    if one.origin or now - one.changed_at < STALE:
        return False
    if one.state is PatternState.CANDIDATE:
        return True
    idle = one.state is PatternState.ACTIVE and one.kind is PatternKind.ANSWER and not one.wins
    return idle and one.value is not None and one.value < LOW


def _join(connection: Connection, patterns: Sequence[Held]) -> int:
    kept, index = list[Held](), Index()
    gone = 0
    for one in patterns:
        if one.kind is not PatternKind.ANSWER or one.state is not PatternState.ACTIVE or one.origin:
            continue
        twin = next((kept[at] for at in index.alike(one.sense) if agree(kept[at].says, one.says)), None)
        if twin is None:
            index.add(one.sense)
            kept.append(one)
            continue
        _hand_over(connection, one.number, twin.number)
        rows.remove(connection, one.number)
        gone += 1
    return gone


def _hand_over(connection: Connection, number: int, to: int) -> None:
    """Give the teachers and uses of one pattern to another; those that both have stay once."""
    for table in (lesson, use):
        mine = select(table.c.interaction_id).where(table.c.pattern_id == to)
        both = (table.c.pattern_id == number) & table.c.interaction_id.in_(mine.scalar_subquery())
        connection.execute(delete(table).where(both))
        connection.execute(update(table).where(table.c.pattern_id == number).values(pattern_id=to))
