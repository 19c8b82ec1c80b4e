"""Interactions that can teach: finished and judged, with their value.

Each function works in its caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, insert, or_, select

from aistack_backend.audit.redact import MARK
from aistack_backend.learning import privacy
from aistack_backend.learning.models import Told
from aistack_backend.learning.split import held_out
from aistack_backend.learning.telemetry import told
from aistack_backend.learning.value import ENOUGH, right
from aistack_backend.store.learning_tables import context, value
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.learning import Lesson, Parts

NEWEST = 5_000
"""Judged interactions that a run looks at."""
PARTS = tuple(Parts.__dataclass_fields__)
ASKED = ("coordinator", "chat")
"""Sources whose answers are answers to questions; the result of a task is a deed, and is never an answer to another."""
UNREAD = Parts()
_FINISHED = and_(telemetry.c.verdict.is_not(None), telemetry.c.ok.is_not(None))


@dataclass(frozen=True, slots=True)
class Judged:
    """A finished and judged interaction, with its value once a run has read it."""

    told: Told
    parts: Parts = UNREAD
    first: bool = True
    """Nothing was said before it in its session, nor given beside it: the answer is the question's alone."""
    clean: bool = True
    """Neither question nor answer hold the mark of a secret, or personal data."""

    @property
    def held_out(self) -> bool:
        """It is kept for trials."""
        return held_out(self.told.id)

    @property
    def right(self) -> str:
        """The answer that is known to be right; empty = not known."""
        return right(self.told)

    @property
    def teaches(self) -> bool:
        """It is worth enough, it is known what was right, it is not held out, and holds no secret and nobody's data."""
        worth = self.parts.value is not None and self.parts.value >= ENOUGH
        return worth and self.clean and bool(self.right.strip()) and not self.held_out


def private(one: Told, answer: str) -> bool:
    """Tell whether question or answer hold what is nobody else's business: the mark of a secret, or personal data."""
    return any(MARK in text or privacy.found(text) for text in (one.interaction.query, answer))


def judged(connection: Connection) -> list[Judged]:
    """Return the newest finished and judged interactions, the oldest first."""
    wanted = select(telemetry).where(_FINISHED).order_by(telemetry.c.id.desc()).limit(NEWEST)
    rows = [told(row) for row in connection.execute(wanted)][::-1]
    values = _values(connection, rows[0].id if rows else 0)
    firsts = _firsts(connection, rows)
    given = set(connection.execute(select(context.c.interaction_id)).scalars())
    alone = [_is_first(one, firsts) and one.id not in given for one in rows]
    return [Judged(one, values.get(one.id, UNREAD), first) for one, first in zip(rows, alone, strict=True)]


def unread(connection: Connection) -> set[int]:
    """Return the numbers of those whose judgement no run has read yet."""
    new = or_(value.c.interaction_id.is_(None), value.c.judged_at != telemetry.c.judged_at)
    joined = telemetry.outerjoin(value, value.c.interaction_id == telemetry.c.id)
    return set(connection.execute(select(telemetry.c.id).select_from(joined).where(_FINISHED, new)).scalars())


def keep(connection: Connection, one: Told, parts: Parts) -> None:
    """Keep the value of an interaction, as of its judgement."""
    connection.execute(delete(value).where(value.c.interaction_id == one.id))
    values = {name: getattr(parts, name) for name in PARTS}
    connection.execute(insert(value).values(interaction_id=one.id, judged_at=one.judged_at, **values))


def parts_of(connection: Connection, number: int) -> Parts:
    """Return the value of an interaction as a run has measured it; all None when none has."""
    row = connection.execute(select(value).where(value.c.interaction_id == number)).first()
    return Parts(**{name: getattr(row, name) for name in PARTS}) if row else UNREAD


def shown(one: Told, parts: Parts) -> Lesson:
    """Return an interaction as the wire tells it."""
    held = one.interaction
    return Lesson(
        id=one.id,
        at=one.at,
        source=held.source,
        query=held.query,
        answer=held.answer,
        route=held.route,
        task_class=held.task_class,
        ok=held.ok,
        judgement=one.verdict.value if one.verdict else "",
        correction=one.correction,
        judged_by=one.judged_by,
        held_out=held_out(one.id),
        parts=parts,
    )


def _values(connection: Connection, since: int) -> dict[int, Parts]:
    rows = connection.execute(select(value).where(value.c.interaction_id >= since))
    return {row.interaction_id: Parts(**{name: getattr(row, name) for name in PARTS}) for row in rows}


def _firsts(connection: Connection, rows: Sequence[Told]) -> dict[str, int]:
    """Return the first interaction of each session."""
    named = {one.interaction.session for one in rows} - {""}
    found: dict[str, int] = {}
    wanted = select(telemetry.c.session, func.min(telemetry.c.id).label("first")).group_by(telemetry.c.session)
    for row in connection.execute(wanted.where(telemetry.c.session != "")):
        if row.session in named:
            found[row.session] = int(row.first)
    return found


def _is_first(one: Told, firsts: dict[str, int]) -> bool:
    return not one.interaction.session or firsts.get(one.interaction.session) == one.id
