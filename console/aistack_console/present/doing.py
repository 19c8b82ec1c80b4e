"""What the overview says of the loop that works and of the routes of questions; what was not measured is said so."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.loops import Loop, LoopList, PassState
from aistack_backend.wire.routing import RouteStats, Routing
from aistack_backend.wire.tasks import TaskState
from aistack_console.present.loops import WORDS
from aistack_console.present.para import Para, para
from aistack_console.present.routes import money, seconds
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import span

ACTIVE = (TaskState.RUNNING, TaskState.PAUSED, TaskState.AWAITING, TaskState.QUEUED, TaskState.PLANNING)
"""In the order in which a loop is the one that is told."""
OLD = 30.0
"""Seconds after which the age is told as well."""
HANG = " " * 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What was read, when, and why no longer."""

    loops: LoopList | None = None
    routing: Routing | None = None
    stats: RouteStats | None = None
    at: float | None = None
    problem: str = ""


def lines(doing: Doing, now: float) -> tuple[Para, ...]:
    """Return the line of the loop and the line of the routes."""
    return (_line("LOOP", _loop(doing.loops), doing, now), _line("ROUTE", _route(doing), doing, now))


def _line(name: str, known: tuple[Cell, ...], doing: Doing, now: float) -> Para:
    lead: Cell = (f"{name:<9}", "accent")
    if not known:
        unread: Cell = (f"not read: {doing.problem}", "warn") if doing.problem else ("not measured yet", "dim")
        return para(lead, unread, hang=HANG)
    age = 0.0 if doing.at is None else now - doing.at
    return para(lead, *known, *(((f"  read {span(age)} ago", "warn"),) if age > OLD else ()), hang=HANG)


def _loop(found: LoopList | None) -> tuple[Cell, ...]:
    if found is None:
        return ()
    ranked = [one for one in found.loops if one.task.state in ACTIVE]
    if not ranked:
        return (("none works", "dim"),)
    one = min(ranked, key=lambda each: ACTIVE.index(each.task.state))
    last = one.passes[-1] if one.passes else None
    word: Cell = WORDS[last.state] if last else (one.task.state.value, "dim")
    passes = f"ralph#{one.task.id} {one.request.agent.value} it {len(one.passes)}/{one.request.limits.passes} "
    paused: Cell = (" PAUSED", "warn") if one.task.state is TaskState.PAUSED else ""
    more = f"  +{len(ranked) - 1} more" if len(ranked) > 1 else ""
    return (passes, word, paused, "  progress ", progress(one), f"  {cost(one)}", (more, "dim"))


def progress(one: Loop) -> Cell:
    """Return whether the newest pass that ended changed the folder, or proved the goal; ``-`` = none has ended."""
    ended = [each for each in one.passes if each.ended_at is not None]
    if not ended:
        return ("-", "dim")
    moved = bool(ended[-1].changed) or ended[-1].state is PassState.PROVEN
    return ("yes", "ok") if moved else ("no", "warn")


def cost(one: Loop) -> str:
    """Return what a loop's model has cost; without a price nobody knows, and what is computed here costs nothing."""
    if not any(each.use.answers for each in one.passes):
        return "no model asked"
    if one.request.endpoint and not one.request.price:
        return "cost -"
    return f"${sum(each.use.cost for each in one.passes) / 1_000_000:.2f}"


def _route(doing: Doing) -> tuple[Cell, ...]:
    routing, stats = doing.routing, doing.stats
    if routing is None or stats is None:
        return ()
    tone: Tone = "ok" if routing.lock.locked else "warn"
    lock: Cell = (f"  {'LOCKED' if routing.lock.locked else 'open'}", tone)
    if not stats.total:
        return (("nothing was asked in 24 h", "dim"), lock)
    if stats.local_share is None:
        return ((f"{stats.total} asked in 24 h, none answered", "warn"), lock)
    shares = f"local {stats.local_share:.0%} cloud {1 - stats.local_share:.0%}"
    return (f"{shares}  p95 {seconds(stats.latency_p95)}s  {spent(stats)} in 24 h", lock)


def spent(stats: RouteStats) -> str:
    """Return what answers cost; ``cost -`` = somebody elsewhere answered and no price is known."""
    if stats.costs:
        return ", ".join(money(one.amount, one.currency) for one in stats.costs)
    return "cost -" if stats.by_route.get("remote") else "cost 0"
