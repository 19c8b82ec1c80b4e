"""Questions and their ways as rows and sentences; what was not measured is ``-``."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.calibration import Calibration
from aistack_backend.wire.routing import (
    Budget,
    BudgetState,
    Outbound,
    Route,
    RouteAnswer,
    Routed,
    RouteStats,
    Routing,
    Step,
    Tried,
)
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import span, stamp
from aistack_console.text import one_line, plain

TITLES = ("ID", "ROUTE", "CONF", "SECONDS", "COST", "BY", "QUESTION")
COLUMNS = (
    Column("ROUTE", 6),
    Column("CONF", 5, "right"),
    Column("SEC", 6, "right"),
    Column("COST", 12, "right", 100),
    Column("AGE", 5, "right"),
    Column("QUESTION", 0),
)
_TONES: dict[Route, Tone] = {Route.REMOTE: "warn", Route.NONE: "bad", Route.CACHE: "accent", Route.UNKNOWN: "dim"}
_STATES: dict[BudgetState, Tone] = {BudgetState.OK: "plain", BudgetState.WARNED: "warn"}


def row(one: Routed) -> list[str]:
    """Return a question as a row of ``TITLES``."""
    measured = [share(one.confidence), seconds(one.latency), money(one.cost, one.currency)]
    return [str(one.id), one.route.value, *measured, one.provider or one.model or "-", one_line(one.query)]


def rows(found: Sequence[Routed], now: float) -> tuple[Row, ...]:
    """Return questions as rows of ``COLUMNS``."""
    return tuple(Row(str(one.id), _cells(one, now)) for one in found)


def _cells(one: Routed, now: float) -> tuple[Cell, ...]:
    cost = money(one.cost, one.currency)
    age = span(max(0.0, now - one.at))
    route = (one.route.value, _TONES.get(one.route, "ok"))
    return (route, share(one.confidence), seconds(one.latency), cost, age, one_line(one.query))


def head(routing: Routing | None, stats: RouteStats | None, at: float | None, now: float) -> tuple[Cell, ...]:
    """Return the line above the list: the lock, how the last day went, and how old that is."""
    if routing is None:
        return (("ROUTES", "accent"), "  ", ("not read yet", "dim"))
    lock: Cell = ("LOCKED: no question leaves", "ok") if routing.lock.locked else ("open", "warn")
    near = next((one for one in routing.budgets if one.state is not BudgetState.OK), None)
    spent: Cell = (f"  {near.period}'s budget {near.state.value}", _STATES.get(near.state, "bad")) if near else ""
    day = ""
    if stats is not None:
        kept = "-" if stats.local_share is None else f"{stats.local_share:.0%}"
        costs = ", ".join(money(one.amount, one.currency) for one in stats.costs) or "0"
        day = f"  24 h: {stats.total} asked, {kept} of answers here, p95 {seconds(stats.latency_p95)} s, {costs}"
    age: Cell = ("", "dim") if at is None else (f"  read {span(max(0.0, now - at))} ago", "dim")
    return (("ROUTES", "accent"), "  ", lock, spent, day, age)


def standing(routing: Routing) -> tuple[Para, ...]:
    """Return the lock, the budgets and the chain in full."""
    lock = routing.lock
    tone: Tone = "ok" if lock.locked else "warn"
    return (
        title("way out"),
        fact("lock", f"{'closed' if lock.locked else 'open'}. {lock.why}", tone),
        *(budget(one) for one in routing.budgets),
        *(() if routing.budgets else (fact("budget", "none is set", "dim"),)),
        title("who is asked, in order"),
        *(chain_step(number, one) for number, one in enumerate(routing.chain, 1)),
    )


def budget(one: Budget) -> Para:
    """Return one budget."""
    used = "not known" if one.spent is None else f"{one.spent} of {one.limit} {one.currency}"
    part = "" if one.share is None else f", {one.share:.0%}"
    return fact(one.period, f"{used}{part}: {one.state.value}", _STATES.get(one.state, "bad"))


def chain_step(number: int, one: Step) -> Para:
    """Return one link of the chain."""
    return fact(f"{number} {one.route.value}", f"{one.name}: {one.detail}", "plain" if one.ready else "warn")


def detail(one: Routed, sent: Sequence[Outbound] | None, problem: str = "") -> tuple[Para, ...]:
    """Return one question in full: why it went so, what was tried, what left. ``sent`` None = not read yet."""
    tokens = f"{count(one.tokens_in)} in, {count(one.tokens_out)} out"
    judged = f"{one.verdict} by {one.judged_by}" if one.verdict else "nobody judged it"
    by = " ".join(filter(None, (one.provider, one.model))) or "-"
    return (
        title(f"question {one.id}"),
        *text_lines(plain(one.query, "drop")),
        title("answer"),
        *text_lines(plain(one.answer, "drop")),
        title("way"),
        fact("route", f"{one.route.value}, {one.task_class}", _TONES.get(one.route, "ok")),
        fact("by", by),
        fact("reason", one.reason),
        fact("measured", f"{worth(one)}, {seconds(one.latency)} s, {tokens}"),
        fact("cost", money(one.cost, one.currency)),
        fact("judged", judged),
        *(fact("source", source) for source in one.sources),
        *(fact("tried", line) for line in one.detail.split("\n") if line),
        title("what left this machine"),
        *left(sent, problem),
    )


def worth(one: Routed | RouteAnswer, name: str = "confidence ") -> str:
    """Return a confidence with how many judgements it is from; an agreement that is not calibrated is named so."""
    if one.judgements:
        return f"{name}{share(one.confidence)} of {one.judgements} judged, agreement {share(one.agreement)}"
    if one.agreement is not None:
        return f"agreement {share(one.agreement)}, not calibrated"
    return f"{name}{share(one.confidence)}"


def calibration(one: Calibration) -> str:
    """Return what agreement is worth, in one line: for whom, from how much, and its error before and after."""
    whose = ", ".join(filter(None, (one.model or "all models", one.task_class)))
    errors = f"error {share(one.before)} > {share(one.after)} on {one.held_out} held out"
    return f"{whose}: {one.judgements} judged, {errors}"


def ask(one: Routed) -> tuple[Para, ...]:
    """Return what would be asked again."""
    return (fact("question", one.query), fact("before", f"{one.route.value}, {seconds(one.latency)} s"))


def left(sent: Sequence[Outbound] | None, problem: str = "") -> tuple[Para, ...]:
    """Return what left for a question."""
    if sent is None:
        return (para((problem or "Reading ...", "bad" if problem else "dim")),)
    if not sent:
        return (para(("Nothing.", "ok")),)
    return tuple(line for one in sent for line in _one_sent(one))


def _one_sent(one: Outbound) -> tuple[Para, ...]:
    return (
        fact("to", f"{one.provider} at {one.host}{one.path}, {stamp(one.at)}", "warn"),
        fact("size", f"{one.size} bytes, sha256 {one.sha256}"),
        fact("ended", one.outcome or "not known"),
        *text_lines(plain(one.body, "drop")),
    )


def figures(one: RouteAnswer) -> list[tuple[str, str]]:
    """Return what was measured of an answer."""
    return [
        ("id", str(one.id)),
        ("route", f"{one.route.value}{f', {one.provider}' if one.provider else ''}"),
        ("model", one.model or "-"),
        ("reason", one.reason),
        ("confidence", f"{worth(one, '')}  {one.measured}".strip()),
        ("latency", f"{seconds(one.latency)} s"),
        ("tokens", f"{count(one.tokens_in)} in, {count(one.tokens_out)} out"),
        ("cost", money(one.cost, one.currency)),
        *(("source", source.source) for source in one.sources),
    ]


def step(one: Tried) -> str:
    """Return one step on the way as a sentence."""
    how = "answered" if one.ok else "did not answer" if one.asked else "was not asked"
    took = f" after {seconds(one.latency)} s" if one.latency is not None else ""
    return plain(f"{one.name} ({one.route.value}) {how}{took}{f': {one.detail}' if one.detail else '.'}")


def side(one: RouteAnswer | None, why: str) -> list[tuple[str, str]]:
    """Return one half of a replay."""
    if one is None:
        return [("not asked", why)]
    figures = f"{seconds(one.latency)} s, {count(one.tokens_in)} in, {count(one.tokens_out)} out"
    who = one.provider or one.model or "nobody"
    return [("by", who), ("measured", f"{figures}, cost {money(one.cost, one.currency)}"), ("answer", one.answer)]


def share(value: float | None) -> str:
    """Return a share of one with two digits."""
    return "-" if value is None else f"{value:.2f}"


def seconds(value: float | None) -> str:
    """Return seconds with as many digits as say something."""
    return "-" if value is None else f"{value:.3f}" if value < 1 else f"{value:.1f}"


def count(value: int | None) -> str:
    """Return a number."""
    return "-" if value is None else str(value)


def money(amount: str | None, currency: str) -> str:
    """Return an amount with its currency; nothing was billed = 0."""
    return "-" if amount is None else f"{amount} {currency}".rstrip()
