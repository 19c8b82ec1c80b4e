"""The stack's Prometheus: its alarms, its rules and its targets, as it tells them. What it says is untrusted text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any

from aistack_backend.clock import Clock
from aistack_backend.containers.ladder.probes import web
from aistack_backend.errors import BackendError
from aistack_backend.wire.alerts import RuleStanding, RuleState, Severity, Target
from aistack_backend.wire.sources import Source, SourceState

NAME = "prometheus"
WITHIN = 3.0
"""Seconds for one of its answers."""
MOST = 500
"""Alarms, rules or targets that are taken in."""
LONGEST = 200
"""Characters of a name, a label or a sentence of its."""
_STATES = {"inactive": RuleState.QUIET, "pending": RuleState.PENDING, "firing": RuleState.FIRING}


@dataclass(frozen=True, slots=True)
class Theirs:
    """One alarm that it says is firing."""

    rule: str
    labels: Mapping[str, str]
    severity: Severity
    summary: str
    value: float | None
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What it said, or why it said nothing."""

    answered: bool = False
    source: Source | None = None
    alerts: tuple[Theirs, ...] = ()
    rules: tuple[RuleStanding, ...] = ()
    targets: tuple[Target, ...] = ()


NOBODY = Polled()
"""Nobody is asked."""
Where = Callable[[], tuple[str, int]]
"""Returns where it answers; raises a BackendError with the sentence when there is none."""


class Prometheus:
    """``poll`` blocks; one at a time."""

    def __init__(self, where: Where, clock: Clock) -> None:
        self._where, self._clock = where, clock
        self._source = Source(name=NAME, state=SourceState.UNKNOWN, since=clock.now())

    def poll(self) -> Polled:
        """Ask it; never raises."""
        try:
            where = self._where()
        except BackendError as error:
            return Polled(source=self._told(SourceState.ABSENT, error.detail, error.hint))
        try:
            alerts = tuple(_alerts(_data(where, "/api/v1/alerts")["alerts"], self._clock.now()))
            rules = tuple(_rules(_data(where, "/api/v1/rules?type=alert")["groups"]))
            targets = tuple(_targets(_data(where, "/api/v1/targets?state=active")["activeTargets"]))
        except (OSError, HTTPException) as error:
            return Polled(source=self._told(SourceState.FAILED, f"Prometheus {web.said(error)}.", "Look at Services."))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            said = f"What Prometheus answers is not its API ({type(error).__name__})."
            return Polled(source=self._told(SourceState.FAILED, said, "Look at what listens there."))
        down = sum(one.ok is False for one in targets)
        said = f"{len(targets)} targets, {down} down; {len(rules)} rules."
        return Polled(
            answered=True, source=self._told(SourceState.OK, said), alerts=alerts, rules=rules, targets=targets
        )

    def _told(self, state: SourceState, detail: str, hint: str = "") -> Source:
        now, before = self._clock.now(), self._source
        since = before.since if before.state is state else now
        last = now if state is SourceState.OK else before.last_ok
        self._source = Source(name=NAME, state=state, since=since, last_ok=last, detail=detail, hint=hint)
        return self._source


def _data(where: tuple[str, int], path: str) -> Any:
    answer = web.ask(where, path, WITHIN)
    if answer.status != 200:
        raise ConnectionError(f"it answers {answer.status}")
    return answer.json()["data"]


def _alerts(said: Any, now: float) -> Iterator[Theirs]:
    for one in said[:MOST]:
        if one["state"] != "firing":
            continue
        labels = {_short(key): _short(value) for key, value in one["labels"].items()}
        name, severity = labels.pop("alertname", "unnamed"), labels.pop("severity", "")
        yield Theirs(
            rule=name,
            labels=labels,
            severity=Severity(severity),
            summary=_short(one.get("annotations", {}).get("summary", "")),
            value=_number(one.get("value")),
            since=_when(one.get("activeAt")) or now,
        )


def _rules(said: Any) -> Iterator[RuleStanding]:
    for one in [rule for group in said for rule in group["rules"] if rule.get("type") == "alerting"][:MOST]:
        broken = one.get("health") == "err"
        seconds = float(one.get("duration") or 0)
        yield RuleStanding(
            name=_short(one["name"]),
            source=NAME,
            condition=_short(" ".join(str(one["query"]).split())) + (f" for {seconds:g} s" if seconds else ""),
            severity=Severity(_short(one.get("labels", {}).get("severity", ""))),
            about=_short(one.get("annotations", {}).get("summary", "")),
            state=RuleState.BROKEN if broken else _STATES.get(str(one.get("state")), RuleState.UNKNOWN),
            measured_at=_when(one.get("lastEvaluation")),
            detail=_short(one.get("lastError") or "") if broken else "",
        )


def _targets(said: Any) -> Iterator[Target]:
    for one in said[:MOST]:
        labels = one.get("labels", {})
        health = str(one.get("health"))
        yield Target(
            name=_short(labels.get("service") or one.get("scrapeUrl") or labels.get("instance", "unnamed")),
            ok={"up": True, "down": False}.get(health),
            at=_when(one.get("lastScrape")),
            detail=_short(one.get("lastError") or ""),
        )


def _short(value: Any) -> str:
    return str(value)[:LONGEST]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _when(stamp: Any) -> float | None:
    """Read RFC 3339 with nanoseconds, which Python does not; None for the year 1, which means never."""
    head, dot, tail = str(stamp or "").partition(".")
    digits = "".join(c for c in tail if c.isdigit())[:6]
    zone = tail.lstrip("0123456789") if dot else ""
    try:
        at = datetime.fromisoformat(f"{head}.{digits}{zone}" if digits else head).timestamp()
    except (ValueError, OverflowError):
        return None
    return at if at > 0 else None
