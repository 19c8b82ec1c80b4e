"""The inbox: one row an alarm, from its firing to its end, with what people said to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, case, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict, NotFound
from aistack_backend.store.alert_tables import alert
from aistack_backend.store.database import Database
from aistack_backend.wire.alerts import Alert, AlertState, Severity

OVER = 50
"""Alarms that are over, in a list."""
LONGEST = 10_080
"""Minutes of a snooze."""
OPEN = alert.c.ended_at.is_(None)


class Inbox:
    """Every method blocks on SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def list(self) -> tuple[Alert, ...]:
        """Return those that are not over, worst and newest first, then the newest that are."""
        worst = case({one.value: number for number, one in enumerate(reversed(Severity))}, value=alert.c.severity)
        now = select(alert).where(OPEN).order_by(worst.desc(), alert.c.fired_at.desc())
        past = select(alert).where(~OPEN).order_by(alert.c.ended_at.desc(), alert.c.id.desc()).limit(OVER)
        with self._database.read() as connection:
            return tuple(shown(row) for query in (now, past) for row in connection.execute(query).mappings())

    def get(self, number: int) -> Alert:
        """Return one; NotFound when there is none."""
        with self._database.read() as connection:
            return _one(connection, number)

    def acknowledge(self, number: int, by: str) -> Alert:
        """Write down that a person has seen it.

        Raises:
            NotFound: there is no such alarm. Conflict: it is over.
        """
        return self._said(number, by, state=AlertState.ACKNOWLEDGED.value, until=None)

    def snooze(self, number: int, minutes: int, by: str) -> Alert:
        """Write down that a person wants to hear of it in so many minutes.

        Raises:
            NotFound: there is no such alarm. Conflict: it is over. BadInput: the minutes.
        """
        if not 1 <= minutes <= LONGEST:
            raise BadInput(f"A snooze is 1 to {LONGEST} minutes, not {minutes}.")
        return self._said(number, by, state=AlertState.SNOOZED.value, until=self._clock.now() + minutes * 60)

    def _said(self, number: int, by: str, **values: Any) -> Alert:
        with self._database.tx() as connection:
            if (found := _one(connection, number)).ended_at is not None:
                raise Conflict(f"Alarm {number} ({found.rule}) is over already.")
            changed = update(alert).where(alert.c.id == number).values(by=by, by_at=self._clock.now(), **values)
            connection.execute(changed)
            return _one(connection, number)


def _one(connection: Connection, number: int) -> Alert:
    row = connection.execute(select(alert).where(alert.c.id == number)).mappings().first()
    if row is None:
        raise NotFound(f"There is no alarm {number}.", "alerts lists them.")
    return shown(row)


def open_ones(connection: Connection, source: str) -> Sequence[Alert]:
    """Return the alarms of a source that are not over."""
    query = select(alert).where(OPEN & (alert.c.source == source)).order_by(alert.c.id)
    return [shown(row) for row in connection.execute(query).mappings()]


def add(connection: Connection, values: Mapping[str, Any]) -> Alert:
    """Insert one and return it; ``labels`` is a mapping."""
    row = {**values, "labels": canonical(values["labels"])}
    number = connection.execute(insert(alert).values(row).returning(alert.c.id)).scalar_one()
    return _one(connection, number)


def change(connection: Connection, number: int, **values: Any) -> Alert:
    """Change one and return it."""
    connection.execute(update(alert).where(alert.c.id == number).values(**values))
    return _one(connection, number)


def canonical(labels: Mapping[str, str]) -> str:
    """Return labels as the text that is kept."""
    return json.dumps(dict(labels), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def shown(row: RowMapping) -> Alert:
    """Return a row as the operator reads it."""
    held = {name: row[name] for name in row if name not in ("labels", "severity", "state")}
    return Alert(
        **held,
        labels=json.loads(row["labels"]),
        severity=Severity(row["severity"]),
        state=AlertState(row["state"]),
    )
