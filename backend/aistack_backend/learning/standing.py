"""How the uses of a pattern were judged, and the rule by which judgements quarantine it (ADR 0034).

An answer is quarantined as soon as its uses were judged bad twice, or bad more often than good: so the first bad
judgement is enough where no good one came before. A route or a prompt only shares in the answer: it is quarantined
when at least ``FAIR`` of its uses were judged, and fewer of them good than of the cases before it was active.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Function, and_, case, func, insert, select, update

from aistack_backend.learning.models import Verdict
from aistack_backend.store.learning_tables import pattern, trial, use
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.learning import PatternKind, PatternState

FAIR = 5
"""Judged uses below which a route or a prompt is not held to account."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The uses of a pattern, and how they were judged."""

    uses: int = 0
    wins: int = 0
    losses: int = 0


def used(connection: Connection, interaction: int, patterns: Iterable[int]) -> None:
    """Write down that these patterns had a hand in an interaction; numbers that are none are passed over."""
    wanted = sorted({one for one in patterns if one > 0})
    if not wanted:
        return
    there = connection.execute(select(pattern.c.id).where(pattern.c.id.in_(wanted))).scalars().all()
    if there:
        connection.execute(insert(use), [{"pattern_id": one, "interaction_id": interaction} for one in there])


def tallies(connection: Connection, patterns: Iterable[int] | None = None) -> dict[int, Tally]:
    """Return the tally of each pattern that was used (of these alone, where they are given)."""
    good = telemetry.c.verdict == Verdict.GOOD.value
    lost = telemetry.c.verdict.in_((Verdict.BAD.value, Verdict.CORRECTED.value))
    counts = (func.count().label("uses"), _count(good).label("wins"), _count(lost).label("losses"))
    wanted = select(use.c.pattern_id, *counts).join(telemetry, telemetry.c.id == use.c.interaction_id)
    if patterns is not None:
        wanted = wanted.where(use.c.pattern_id.in_(list(patterns)))
    rows = connection.execute(wanted.group_by(use.c.pattern_id))
    return {row.pattern_id: Tally(row.uses, int(row.wins or 0), int(row.losses or 0)) for row in rows}


def judged(connection: Connection, interaction: int, now: float) -> tuple[int, ...]:
    """Quarantine what the judgement of an interaction condemns; return the patterns."""
    active = and_(use.c.interaction_id == interaction, pattern.c.state == PatternState.ACTIVE.value)
    wanted = select(pattern.c.id, pattern.c.kind).join(use, use.c.pattern_id == pattern.c.id).where(active)
    rows = connection.execute(wanted).all()
    counts = tallies(connection, [row.id for row in rows])
    gone = []
    for row in rows:
        if why := condemned(PatternKind(row.kind), counts.get(row.id, Tally()), _before(connection, row.id)):
            values = {"state": PatternState.QUARANTINED.value, "reason": why, "changed_at": now}
            connection.execute(update(pattern).where(pattern.c.id == row.id).values(**values))
            gone.append(int(row.id))
    return tuple(gone)


def condemned(kind: PatternKind, tally: Tally, before: float | None) -> str:
    """Return why the judgements of its uses quarantine a pattern, in one sentence; empty = they do not.

    ``before`` is the share of right cases in its last trial without it; None = there was none.
    """
    told = f"{tally.losses} of its judged uses were bad and {tally.wins} good"
    if kind is PatternKind.ANSWER:
        return f"Quarantined: {told}." if tally.losses >= 2 or tally.losses > tally.wins else ""
    heard = tally.wins + tally.losses
    if heard < FAIR or before is None or tally.wins / heard >= before:
        return ""
    return f"Quarantined: {told}, which is worse than the {before:.0%} before it."


def _before(connection: Connection, number: int) -> float | None:
    last = select(trial.c.before, trial.c.cases).where(trial.c.pattern_id == number).order_by(trial.c.id.desc())
    row = connection.execute(last.limit(1)).first()
    return row.before / row.cases if row and row.cases else None


def _count(where: ColumnElement[bool]) -> Function[int]:
    return func.sum(case((where, 1), else_=0))
