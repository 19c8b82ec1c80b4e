"""Patterns in the store: read as the wire tells them, made, taught, and brought from state to state.

Every function works in its caller's transaction.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, delete, insert, select, update

from aistack_backend.errors import NotFound
from aistack_backend.learning.standing import Tally, tallies
from aistack_backend.store.learning_tables import lesson, pattern, trial, use
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.learning import Pattern, PatternKind, PatternState, Trial

MOST = 1_000
"""Patterns of one list."""
ORDER = (PatternState.ACTIVE, PatternState.QUARANTINED, PatternState.CANDIDATE, PatternState.ROLLED_BACK)


def patterns(connection: Connection, *where: Any, most: int = MOST) -> tuple[Pattern, ...]:
    """Return patterns: active, quarantined, candidates, rolled back; in each the newest change first."""
    place = case({state.value: at for at, state in enumerate(ORDER)}, value=pattern.c.state, else_=len(ORDER))
    wanted = select(pattern).where(*where).order_by(place, pattern.c.changed_at.desc(), pattern.c.id.desc())
    rows = connection.execute(wanted.limit(most)).all()
    ids = [row.id for row in rows]
    counts, taught = tallies(connection, ids), _taught(connection, ids)
    return tuple(_shown(row, counts.get(row.id, Tally()), taught.get(row.id, Counter())) for row in rows)


def known(connection: Connection, number: int) -> Pattern:
    """Return one pattern; NotFound when there is none."""
    found = patterns(connection, pattern.c.id == number, most=1)
    if not found:
        raise NotFound(f"There is no pattern {number}.", "aistack-console learn patterns lists them.")
    return found[0]


def make(connection: Connection, now: float, **values: Any) -> int:
    """Add a pattern and return its number; ``values`` are columns, without those that tell the time."""
    values = {"state": PatternState.CANDIDATE.value, **values, "created_at": now, "changed_at": now}
    values["sources"] = json.dumps(list(values.get("sources", ())))
    return int(connection.execute(insert(pattern).values(**values).returning(pattern.c.id)).scalar_one())


def teach(connection: Connection, number: int, interactions: Iterable[int]) -> int:
    """Write down which interactions taught a pattern; return how many of them are new."""
    held = select(lesson.c.interaction_id).where(lesson.c.pattern_id == number)
    new = sorted(set(interactions) - set(connection.execute(held).scalars()))
    if new:
        connection.execute(insert(lesson), [{"pattern_id": number, "interaction_id": one} for one in new])
    return len(new)


def move(connection: Connection, number: int, state: PatternState, reason: str, now: float) -> None:
    """Bring a pattern into a state, with the reason in one sentence."""
    values = {"state": state.value, "reason": reason, "changed_at": now}
    connection.execute(update(pattern).where(pattern.c.id == number).values(**values))


def remove(connection: Connection, number: int) -> None:
    """Take a pattern out, with what is known of it; what taught it stays."""
    for table in (lesson, use, trial):
        connection.execute(delete(table).where(table.c.pattern_id == number))
    connection.execute(delete(pattern).where(pattern.c.id == number))


def keep_trial(connection: Connection, number: int, one: Trial) -> None:
    """Keep what a trial found with its pattern."""
    values = {name: getattr(one, name) for name in ("at", "cases", "before", "after", "detail")}
    values |= {name: getattr(one, name) for name in ("seconds_before", "seconds_after", "cost_before", "cost_after")}
    connection.execute(insert(trial).values(pattern_id=number, passed=int(one.passed), **values))


def trials(connection: Connection, number: int) -> tuple[Trial, ...]:
    """Return the trials of a pattern, the newest first, at most 20."""
    rows = connection.execute(select(trial).where(trial.c.pattern_id == number).order_by(trial.c.id.desc()).limit(20))
    names = [name for name in Trial.__dataclass_fields__ if name != "passed"]
    return tuple(Trial(passed=bool(row.passed), **{name: getattr(row, name) for name in names}) for row in rows)


def _taught(connection: Connection, ids: Sequence[int]) -> dict[int, Counter[str]]:
    wanted = select(lesson.c.pattern_id, telemetry.c.source).join(telemetry).where(lesson.c.pattern_id.in_(ids))
    found: dict[int, Counter[str]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.pattern_id, Counter())[row.source] += 1
    return found


def _shown(row: Row[Any], tally: Tally, taught: Counter[str]) -> Pattern:
    return Pattern(
        id=row.id,
        kind=PatternKind(row.kind),
        question=row.question,
        task_class=row.task_class,
        says=row.says,
        sources=tuple(json.loads(row.sources)),
        state=PatternState(row.state),
        reason=row.reason,
        origin=row.origin,
        value=row.value,
        created_at=row.created_at,
        changed_at=row.changed_at,
        uses=tally.uses,
        wins=tally.wins,
        losses=tally.losses,
        taught=taught.total(),
        taught_from=", ".join(f"{count} {source}" for source, count in taught.most_common()),
    )
