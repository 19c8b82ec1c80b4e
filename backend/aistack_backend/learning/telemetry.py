"""The one writer and reader of the telemetry table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update

from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.learning import standing
from aistack_backend.learning.models import Interaction, Told, Verdict
from aistack_backend.store.calibration_tables import measure
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import context
from aistack_backend.store.telemetry_tables import telemetry

LONGEST = 16_000
"""Characters kept of a question, an answer or a correction."""
MOST = 1_000
"""Rows of one list."""
_SAME = (
    "source", "event", "subject", "session", "task_class", "route", "provider", "model", "confidence", "latency",
    "tokens_in", "tokens_out", "cost", "currency", "trace_id",
)  # fmt: skip


class Telemetry:
    """Writes without secrets; belongs to any thread."""

    def __init__(self, database: Database, clock: Clock, redactor: Redactor) -> None:
        self._database, self._clock, self._redactor = database, clock, redactor

    def record(self, one: Interaction) -> int:
        """Write an interaction down and return its number."""
        values: dict[str, Any] = {name: getattr(one, name) for name in _SAME}
        values |= {name: self._clean(getattr(one, name)) for name in ("query", "answer", "reason", "detail")}
        values |= {
            "timestamp": self._clock.now(),
            "sources": json.dumps([self._clean(each) for each in one.sources]),
            "patterns": json.dumps(one.patterns),
            "ok": None if one.ok is None else int(one.ok),
            "consent": int(one.consent),
        }
        with self._database.tx() as connection:
            made = insert(telemetry).values(values).returning(telemetry.c.id)
            number = int(connection.execute(made).scalar_one())
            standing.used(connection, number, one.patterns)
            if one.agreement is not None:
                values = {"interaction_id": number, "raw": one.agreement, "judgements": one.judgements}
                connection.execute(insert(measure).values(values))
            if one.with_context:
                connection.execute(insert(context).values(interaction_id=number))
        return number

    def judge(self, number: int, verdict: Verdict, by: str, correction: str = "") -> Told:
        """Write down how an interaction was judged; the last judgement counts. A pattern that had a hand in it is
        quarantined in the same transaction where the rule of ``standing`` says so.

        Raises:
            NotFound: there is no such interaction. BadInput: a correction without what would be right, or the opposite.
        """
        if bool(correction.strip()) is not (verdict is Verdict.CORRECTED) or len(correction) > LONGEST:
            raise BadInput(f"A correction says what would be right, in 1 to {LONGEST} characters; others say nothing.")
        values = {"verdict": verdict.value, "judged_by": by, "judged_at": self._clock.now()}
        with self._database.tx() as connection:
            changed = connection.execute(
                update(telemetry).where(telemetry.c.id == number).values(correction=self._clean(correction), **values)
            )
            if not changed.rowcount:
                raise NotFound(f"There is no interaction {number}.")
            standing.judged(connection, number, self._clock.now())
        return self.get(number)

    def blank(self, *where: ColumnElement[bool]) -> int:
        """Take every word out of those interactions; return how many. What was measured and judged stays, but they
        count as not ended, so that they teach nothing."""
        words = dict.fromkeys(("query", "answer", "reason", "detail", "correction"), "")
        with self._database.tx() as connection:
            return connection.execute(update(telemetry).where(*where).values(sources="[]", ok=None, **words)).rowcount

    def get(self, number: int) -> Told:
        """Return one interaction; NotFound when there is none."""
        found = self.find(telemetry.c.id == number, most=1)
        if not found:
            raise NotFound(f"There is no interaction {number}.")
        return found[0]

    def find(self, *where: ColumnElement[bool], most: int = MOST) -> Sequence[Told]:
        """Return interactions, the newest first."""
        held = select(telemetry, measure.c.raw, measure.c.judgements).outerjoin(measure)
        wanted = held.where(*where).order_by(telemetry.c.id.desc()).limit(most)
        with self._database.read() as connection:
            return [told(row) for row in connection.execute(wanted)]

    def mark(self) -> tuple[float | None, ...]:
        """Return figures of which one is another once something was written down, judged or blanked, by whomever."""
        wanted = select(func.max(telemetry.c.id), func.max(telemetry.c.judged_at), func.count(telemetry.c.ok))
        with self._database.read() as connection:
            return tuple(connection.execute(wanted).one())

    def _clean(self, text: str) -> str:
        return self._redactor.text(text)[:LONGEST]


def told(row: Row[Any]) -> Told:
    """Return a row of the table as an interaction."""
    held = row._mapping
    one = Interaction(
        **{name: held[name] for name in (*_SAME, "query", "answer", "reason", "detail")},
        agreement=held.get("raw"),
        judgements=held.get("judgements") or 0,
        sources=tuple(json.loads(held["sources"])),
        patterns=tuple(json.loads(held["patterns"])),
        ok=None if held["ok"] is None else bool(held["ok"]),
        consent=bool(held["consent"]),
    )
    return Told(
        id=held["id"],
        at=held["timestamp"],
        interaction=one,
        verdict=Verdict(held["verdict"]) if held["verdict"] else None,
        correction=held["correction"],
        judged_by=held["judged_by"],
        judged_at=held["judged_at"],
    )
