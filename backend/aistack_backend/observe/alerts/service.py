"""Alarms as a part: one look at all rules at a time, what changes is kept, recorded, published and told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from aistack_backend.bus import Publish
from aistack_backend.clock import Clock
from aistack_backend.engine.port import Journal
from aistack_backend.observe.alerts import inbox
from aistack_backend.observe.alerts.inbox import Inbox
from aistack_backend.observe.alerts.judge import SOURCE, Judge, Judged
from aistack_backend.observe.alerts.prometheus import NOBODY, Polled
from aistack_backend.observe.metrics import Reading
from aistack_backend.store.database import Database
from aistack_backend.wire.alerts import Alert, AlertList, AlertState, Severity
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.events import Topic

log = logging.getLogger(__name__)
FAR = "prometheus"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alarm that is to be in the inbox now."""

    rule: str
    labels: Mapping[str, str]
    severity: Severity
    summary: str
    value: float | None
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one source says now."""

    source: str
    wanted: Mapping[tuple[str, str], Wanted]
    """By rule and canonical labels."""
    known: Callable[[Alert], bool]
    """Whether it can tell that an alarm which is not wanted is over."""


class Alerts:
    """``look`` and the rest block on SQL and HTTP; from any thread, one look at a time."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        bus: Publish,
        clock: Clock,
        judge: Judge,
        measure: Callable[[], Sequence[Reading]],
        poll: Callable[[], Polled] = lambda: NOBODY,
        maintenance: Callable[[], bool] = lambda: False,
        fault: str = "",
    ) -> None:
        """``fault``: why the rules cannot be used, "" = they can."""
        self._database, self._journal, self._bus, self._clock = database, journal, bus, clock
        self._judge, self._measure, self._poll, self._maintenance = judge, measure, poll, maintenance
        self._fault = fault
        self._inbox = Inbox(database, clock)
        self._lock = threading.Lock()
        self._list = AlertList(fault=fault)

    def look(self) -> tuple[Alert, ...]:
        """Look once; return the alarms that somebody is to be told of now.

        Raises:
            Unavailable: nothing could be written, so nothing changed.
        """
        with self._lock:
            self._remember()
            now, hold = self._clock.now(), self._maintenance()
            judged, polled = self._judge.look(self._measure(), now), self._poll()
            news: list[Alert] = []
            for found in (_ours(judged), _theirs(polled)):
                news += self._settle(found, now, hold=hold)
            self._list = AlertList(
                at=now,
                rules=(*judged.standing, *polled.rules),
                targets=polled.targets,
                prometheus=polled.source,
                maintenance=hold,
                fault=self._fault,
            )
            self._publish()
            return tuple(news)

    def shown(self) -> AlertList:
        """Return the inbox, and what the last look found."""
        return replace(self._list, alerts=self._inbox.list())

    def get(self, number: int) -> Alert:
        """See ``Inbox.get``."""
        return self._inbox.get(number)

    def acknowledge(self, number: int, by: str) -> Alert:
        """See ``Inbox.acknowledge``."""
        done = self._inbox.acknowledge(number, by)
        self._publish()
        return done

    def snooze(self, number: int, minutes: int, by: str) -> Alert:
        """See ``Inbox.snooze``."""
        done = self._inbox.snooze(number, minutes, by)
        self._publish()
        return done

    def _remember(self) -> None:
        """Take in what fired before a restart, once."""
        if self._list.at is None:
            with self._database.read() as connection:
                for one in inbox.open_ones(connection, SOURCE):
                    self._judge.remember(one.rule, one.labels, one.since)

    def _publish(self) -> None:
        self._bus.publish(Topic.ALERTS, self.shown())

    def _settle(self, found: Found, now: float, *, hold: bool) -> list[Alert]:
        """Bring the inbox to what a source says; return what somebody is to be told of."""
        news: list[Alert] = []
        with self._database.read() as connection:
            there = {(one.rule, inbox.canonical(one.labels)): one for one in inbox.open_ones(connection, found.source)}
        if not there and not found.wanted:
            return news
        with self._database.tx() as connection:
            for key in found.wanted.keys() - there.keys():
                fresh = self._fire(connection, found, found.wanted[key], now, hold=hold)
                news += () if hold else (fresh,)
            for key, one in there.items():
                if key in found.wanted:
                    news += self._still(connection, one, found.wanted[key], now, hold=hold)
                elif found.known(one):
                    self._end(connection, one, now)
                elif one.unmeasured_since is None:
                    inbox.change(connection, one.id, unmeasured_since=now)
        self._journal.seal()
        return news

    def _fire(self, connection: Connection, found: Found, wanted: Wanted, now: float, *, hold: bool) -> Alert:
        state = AlertState.SILENCED if hold else AlertState.FIRING
        values = {
            "source": found.source,
            "rule": wanted.rule,
            "labels": wanted.labels,
            "severity": wanted.severity.value,
            "summary": wanted.summary,
            "value": wanted.value,
            "state": state.value,
            "since": wanted.since,
            "fired_at": now,
        }
        made = inbox.add(connection, values)
        self._note(connection, made, "alert.fired", state.value)
        return made

    def _still(
        self, connection: Connection, one: Alert, wanted: Wanted, now: float, *, hold: bool
    ) -> tuple[Alert, ...]:
        values: dict[str, Any] = {}
        if one.value != wanted.value:
            values["value"] = wanted.value
        if one.unmeasured_since is not None:
            values["unmeasured_since"] = None
        state = _next(one, now, hold=hold)
        if state is not one.state:
            values |= {"state": state.value, "until": None}
        if not values:
            return ()
        changed = inbox.change(connection, one.id, **values)
        if state is one.state:
            return ()
        self._note(connection, changed, f"alert.{state.value}", f"was {one.state.value}")
        return (changed,) if state is AlertState.FIRING else ()

    def _end(self, connection: Connection, one: Alert, now: float) -> None:
        ended = inbox.change(connection, one.id, state=AlertState.RESOLVED.value, ended_at=now, unmeasured_since=None)
        self._note(connection, ended, "alert.resolved", f"was {one.state.value}")

    def _note(self, connection: Connection, one: Alert, kind: str, outcome: str) -> None:
        self._journal.append(
            connection,
            phase=Phase.NOTE,
            actor="backend",
            via="auto",
            kind=kind,
            object=f"alert {one.id}: {one.rule}",
            outcome=outcome,
            detail={"source": one.source, "labels": dict(one.labels), "severity": one.severity.value},
        )


def _next(one: Alert, now: float, *, hold: bool) -> AlertState:
    """Return the state of an alarm that goes on."""
    if one.state is AlertState.FIRING and hold:
        return AlertState.SILENCED
    if one.state is AlertState.SILENCED and not hold:
        return AlertState.FIRING
    if one.state is AlertState.SNOOZED and one.until is not None and one.until <= now:
        return AlertState.SILENCED if hold else AlertState.FIRING
    return one.state


def _ours(judged: Judged) -> Found:
    wanted = {}
    for (rule, _), held in judged.firing.items():
        one = Wanted(rule, held.labels, held.rule.severity, held.rule.about, held.value, held.since)
        wanted[rule, inbox.canonical(held.labels)] = one
    rules = {one.name for one in judged.standing}
    return Found(source=SOURCE, wanted=wanted, known=lambda one: one.rule in judged.measured or one.rule not in rules)


def _theirs(polled: Polled) -> Found:
    wanted = {
        (one.rule, inbox.canonical(one.labels)): Wanted(
            one.rule, one.labels, one.severity, one.summary, one.value, one.since
        )
        for one in polled.alerts
    }
    return Found(source=FAR, wanted=wanted, known=lambda _: polled.answered)
