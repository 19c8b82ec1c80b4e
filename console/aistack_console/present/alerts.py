"""Alarms in words: one row, one rule, one target; what was not measured is ``-``."""

from __future__ import annotations

from collections.abc import Iterator

from aistack_backend.wire.alerts import Alert, AlertList, AlertState, RuleStanding, RuleState, Severity, Target
from aistack_backend.wire.sources import SourceState
from aistack_console.present.units import UNMEASURED, day_clock, span

TITLES = ("ID", "SEVERITY", "STATE", "FOR", "RULE", "WHAT", "VALUE")
RULE_TITLES = ("RULE", "STATE", "VALUE", "CONDITION", "BY")
TARGET_TITLES = ("TARGET", "STATE", "FETCHED", "WHY")
LOUD = (AlertState.FIRING,)
"""States that want a person."""
DEAD = (RuleState.NEVER, RuleState.GONE, RuleState.BROKEN, RuleState.UNKNOWN)
"""Rules that cannot fire as they stand."""


def loud(found: AlertList | None) -> int | None:
    """Return how many alarms want a person; None = not known."""
    return None if found is None or found.at is None else sum(one.state in LOUD for one in found.alerts)


def row(one: Alert, now: float) -> tuple[str, ...]:
    """Return an alarm as a line of the list."""
    return (
        str(one.id),
        one.severity.value,
        state(one, now),
        span((one.ended_at or now) - one.since),
        one.rule,
        things(one),
        number(one.value),
    )


def state(one: Alert, now: float) -> str:
    """Return where it stands, in a word or two."""
    if one.unmeasured_since is not None and one.ended_at is None:
        return f"{one.state.value}?"
    if one.state is AlertState.SNOOZED and one.until is not None:
        return f"snoozed {span(one.until - now)}"
    return one.state.value


def things(one: Alert) -> str:
    """Return what it is about: the values of its labels, without what they all have."""
    return " ".join(value for name, value in sorted(one.labels.items()) if name not in ("job", "instance"))


def number(value: float | None) -> str:
    """Return a measured value with three digits."""
    return UNMEASURED if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def facts(one: Alert, now: float) -> Iterator[tuple[str, str]]:
    """Yield what is known of an alarm, by name."""
    yield "rule", f"{one.rule} ({one.source})"
    yield "says", one.summary
    yield "state", state(one, now)
    yield "since", f"{day_clock(one.since, now)}, told {day_clock(one.fired_at, now)}"
    yield "over", "" if one.ended_at is None else day_clock(one.ended_at, now)
    yield "value", "" if one.value is None else number(one.value)
    yield "by", "" if not one.by else f"{one.by} at {day_clock(one.by_at, now)}"
    yield "until", "" if one.until is None else day_clock(one.until, now)
    if one.unmeasured_since is not None:
        yield "unknown", f"Not measured since {day_clock(one.unmeasured_since, now)}: it may be over."
    yield from sorted(one.labels.items())


def rule_row(one: RuleStanding, now: float) -> tuple[str, ...]:
    """Return a rule as a line of the list."""
    return (one.name, one.state.value, number(one.value), one.condition, one.source)


def target_row(one: Target, now: float) -> tuple[str, ...]:
    """Return a target as a line of the list."""
    word = {True: "up", False: "DOWN", None: "not fetched yet"}[one.ok]
    return (one.name, word, UNMEASURED if one.at is None else f"{span(now - one.at)} ago", one.detail)


def dead(found: AlertList) -> tuple[RuleStanding, ...]:
    """Return the rules that cannot fire as they stand."""
    return tuple(one for one in found.rules if one.state in DEAD)


def heading(found: AlertList | None, now: float) -> str:
    """Return what the inbox comes to, in one line."""
    if found is None or found.at is None:
        return "No rule was looked at yet."
    live = [one for one in found.alerts if one.ended_at is None]
    used = [each for each in reversed(Severity) if any(one.severity is each for one in live)]
    counts = ", ".join(f"{sum(one.severity is each for one in live)} {each.value}" for each in used)
    parts = [counts or "No alarm", f"{len(found.rules) - len(dead(found))} of {len(found.rules)} rules are live"]
    if found.targets:
        parts.append(f"{sum(one.ok is True for one in found.targets)} of {len(found.targets)} targets are up")
    return f"{'. '.join(parts)}. Looked at {span(now - found.at)} ago."


def warnings(found: AlertList | None) -> tuple[str, ...]:
    """Return what must be said beside the list."""
    if found is None:
        return ()
    said = [found.fault] if found.fault else []
    if found.maintenance:
        said.append("Maintenance: the stack is held, alarms are kept and nobody is told.")
    far = found.prometheus
    if far is not None and far.state is not SourceState.OK:
        said.append(f"Prometheus: {far.detail}")
    return tuple(said)
