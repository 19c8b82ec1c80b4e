"""The Alerts screen: alarms, then rules, then targets, in one list; and the chosen one in full."""

from __future__ import annotations

from aistack_backend.wire.alerts import Alert, AlertList, AlertState, RuleStanding, RuleState, Severity, Target
from aistack_console.present import alerts as words
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import day_clock, span

COLUMNS = (
    Column("STATE", 17),
    Column("RULE", 24),
    Column("WHAT", 0),
    Column("VALUE", 9, "right"),
    Column("FOR", 6, "right"),
    Column("SAYS", 0, min_screen_width=120),
)
TONES: dict[AlertState, Tone] = {
    AlertState.FIRING: "bad",
    AlertState.ACKNOWLEDGED: "warn",
    AlertState.SNOOZED: "dim",
    AlertState.SILENCED: "dim",
    AlertState.RESOLVED: "dim",
}
RULE_TONES: dict[RuleState, Tone] = {
    RuleState.FIRING: "bad",
    RuleState.BROKEN: "bad",
    RuleState.PENDING: "warn",
    RuleState.NEVER: "warn",
    RuleState.GONE: "warn",
    RuleState.QUIET: "ok",
}
Chosen = Alert | RuleStanding | Target


def head(found: AlertList | None, now: float) -> tuple[Cell, ...]:
    """Return the line above the list."""
    return (("ALERTS  ", "accent"), words.heading(found, now))


def problem(found: AlertList | None) -> str:
    """Return what must be said beside the list; empty = nothing."""
    return " ".join(words.warnings(found))


def rows(found: AlertList | None, now: float) -> tuple[Row, ...]:
    """Return every row: groups of alarms, rules and targets."""
    if found is None:
        return ()
    made = [_group("alerts", "alarms", len(found.alerts))]
    made += [_alarm(one, now) for one in found.alerts]
    made += [_group("rules", "rules", len(found.rules))]
    made += [_rule(number, one) for number, one in enumerate(found.rules)]
    if found.targets:
        made += [_group("targets", "targets of Prometheus", len(found.targets))]
        made += [_target(number, one, now) for number, one in enumerate(found.targets)]
    return tuple(made)


def _group(key: str, name: str, count: int) -> Row:
    return Row(f"group:{key}", ((f"{name} {count}", "accent"),), group=True)


def _alarm(one: Alert, now: float) -> Row:
    quiet = one.severity is Severity.INFO and one.state is AlertState.FIRING
    tone: Tone = "dim" if quiet else TONES.get(one.state, "warn")
    cells: tuple[Cell, ...] = (
        (words.state(one, now), tone),
        (one.rule, tone if one.ended_at is None else "dim"),
        words.things(one),
        words.number(one.value),
        span((one.ended_at or now) - one.since),
        (one.summary, "dim"),
    )
    return Row(f"alert:{one.id}", cells)


def _rule(number: int, one: RuleStanding) -> Row:
    tone = RULE_TONES.get(one.state, "warn")
    name = one.name if one.source == "aistack" else f"{one.name} ({one.source})"
    return Row(
        f"rule:{number}",
        ((one.state.value, tone), name, (one.condition, "dim"), words.number(one.value), "", (one.about, "dim")),
    )


def _target(number: int, one: Target, now: float) -> Row:
    _, state, fetched, why = words.target_row(one, now)
    tone: Tone = {True: "ok", False: "bad", None: "warn"}[one.ok]  # type: ignore[assignment]
    return Row(f"target:{number}", ((state, tone), one.name, (f"fetched {fetched}", "dim"), "", "", (why, "dim")))


def chosen(found: AlertList | None, key: str) -> Chosen | None:
    """Return what a row's key stands for."""
    kind, _, number = key.partition(":")
    if found is None or not number.isdigit():
        return None
    if kind == "alert":
        return next((one for one in found.alerts if one.id == int(number)), None)
    places: tuple[RuleStanding, ...] | tuple[Target, ...] = found.rules if kind == "rule" else found.targets
    return places[int(number)] if int(number) < len(places) else None


def detail(one: Chosen, now: float) -> tuple[Para, ...]:
    """Return the chosen one in full."""
    if isinstance(one, Alert):
        head_ = para((words.state(one, now), TONES.get(one.state, "warn")), f"  {one.severity.value}  alarm {one.id}")
        return (head_, *(fact(name, value) for name, value in words.facts(one, now) if value))
    if isinstance(one, RuleStanding):
        return tuple(_rule_detail(one, now))
    name, state, fetched, why = words.target_row(one, now)
    return (para(name), fact("state", state), fact("fetched", fetched), *((fact("why", why),) if why else ()))


def _rule_detail(one: RuleStanding, now: float) -> list[Para]:
    made = [
        title(f"{one.name} ({one.source})"),
        para(one.about),
        fact("when", one.condition),
        fact("severity", one.severity.value),
        fact("state", one.state.value, RULE_TONES.get(one.state, "warn")),
    ]
    if one.measured_at is not None:
        made.append(fact("measured", day_clock(one.measured_at, now)))
    if one.state is RuleState.NEVER:
        made.append(para(("Its series has had no value since the backend began: it cannot fire.", "warn")))
    if one.state is RuleState.GONE:
        made.append(para(("Its series has no value now: what it said last may be wrong.", "warn")))
    return [*made, fact("fault", one.detail, "bad")] if one.detail else made
