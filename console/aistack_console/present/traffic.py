"""Traffic on the map's edges, in words: a rate, an error, a connection, or why there is no number."""

from __future__ import annotations

from collections.abc import Mapping

from aistack_backend.wire.stack import Stack
from aistack_backend.wire.traffic import Edge
from aistack_console.present.para import Para, title
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import day_clock, span

OLD = 60.0
"""Seconds after which a measurement is told as an old one."""
LEFT = 499
"""The caller went away: no error of what it asked."""
OUTSIDE = "outside the stack"
UNMEASURED = "not measured"
Pair = tuple[str, str]


def edges(stack: Stack) -> Mapping[Pair, Edge]:
    """Return every edge by who asks and who answers: declared ones that nothing was told of too."""
    declared = {(one.id, need): Edge(user=one.id, need=need) for one in stack.services for need in one.depends_on}
    return declared | {(one.user, one.need): one for one in stack.edges}


def label(edge: Edge, now: float) -> Cell:
    """Return an edge in few words: ``12/min 502 100%``, ``0/min``, ``3 open`` or ``not measured``."""
    if edge.requests is not None:
        if old(edge.at, now):
            return "old", "warn"
        return f"{number(edge.requests)}/min{errors(edge)}", tone(edge)
    if edge.connections is not None and not old(edge.connections_at, now):
        return f"{edge.connections} open", "plain"
    return UNMEASURED, "dim"


def labels(stack: Stack, now: float) -> Mapping[Pair, Cell]:
    """Return the words of every edge."""
    return {pair: label(edge, now) for pair, edge in edges(stack).items()}


def listed(stack: Stack, service: str, now: float, *, out: bool) -> str:
    """Return a service's edges out or in for a cell of the list, measured ones first: ``aidb 12/min err 0%; redis ?``;
    ``?`` = not measured, ``+`` = not declared."""
    outs, ins = _split(stack, service)
    known: list[str] = []
    unknown: list[str] = []
    for one in outs if out else ins:
        name, text = (one.need if out else one.user) or OUTSIDE, _text(label(one, now))
        shown = f"{'' if one.declared else '+'}{name} {'?' if text == UNMEASURED else text}"
        (unknown if text == UNMEASURED else known).append(shown)
    return "; ".join((*known, *unknown)) or "-"


def paras(stack: Stack, service: str, now: float) -> tuple[Para, ...]:
    """Return every edge of a service in full: rate, errors by code, last good answer, connections, age and source."""
    outs, ins = _split(stack, service)
    if not outs and not ins:
        return (title("traffic"), Para(("It asks nobody, and nobody was seen to ask it.",)))
    ends = [(one, f"to {one.need}") for one in outs] + [(one, f"from {one.user or OUTSIDE}") for one in ins]
    return (title("traffic"), *(_edge(one, end, now) for one, end in sorted(ends, key=_worth)))


def _worth(end: tuple[Edge, str]) -> tuple[bool, bool, float]:
    """Put what was measured first, and of that what fails."""
    edge = end[0]
    return edge.requests is None, edge.connections is None, -(edge.errors or 0.0)


def _split(stack: Stack, service: str) -> tuple[list[Edge], list[Edge]]:
    every = edges(stack).values()
    return [one for one in every if one.user == service], [one for one in every if one.need == service]


def _edge(edge: Edge, end: str, now: float) -> Para:
    cells: list[Cell] = [(f"{end}  ", "accent"), *_requests(edge, now)]
    if edge.last_good is not None:
        cells.append(f"  last ok {day_clock(edge.last_good, now)}")
    if edge.connections is not None:
        many = "" if edge.connections == 1 else "s"
        ago = f" {span(now - edge.connections_at)} ago" if edge.connections_at is not None else ""
        cells += [
            f"  {edge.connections} connection{many} open",
            (ago, "warn" if old(edge.connections_at, now) else "dim"),
        ]
    if not edge.declared:
        cells.append(("  not declared", "dim"))
    return Para(tuple(cells))


def _requests(edge: Edge, now: float) -> list[Cell]:
    if edge.requests is None:
        why = f": {edge.why}" if edge.why else ""
        return [(f"requests {UNMEASURED}{why}", "dim")]
    ago = span(now - edge.at) if edge.at is not None else "?"
    if old(edge.at, now):
        return [(f"OLD: {number(edge.requests)} req/min was measured {ago} ago", "warn")]
    checks = f", {number(edge.checks)} of them checks" if edge.checks else ""
    codes = " ".join(f"{one.status} x{one.count}" for one in edge.codes)
    counted = f"{codes} in {span(edge.window)}" if codes else f"none in {span(edge.window)}"
    return [
        f"{number(edge.requests)} req/min{checks}",
        (errors(edge, "  "), tone(edge)),
        (f"  {counted}, counted by {edge.need}, read {ago} ago", "dim"),
    ]


def errors(edge: Edge, gap: str = " ") -> str:
    """Return the share of errors with the commonest of them: `` 502 100%``, `` err 0%``; empty = no request."""
    if edge.errors is None:
        return ""
    bad = [one for one in edge.codes if one.status >= 400 and one.status != LEFT]
    worst = max(bad, key=lambda one: one.count, default=None)
    share = 100 * edge.errors
    shown = "<1" if 0 < share < 1 else ">99" if 99 < share < 100 else f"{share:.0f}"
    return f"{gap}{worst.status if worst else 'err'} {shown}%"


def tone(edge: Edge) -> Tone:
    """Return the tone of an edge's errors; the words say it without."""
    return "plain" if not edge.errors else "bad" if edge.errors >= 0.5 else "warn"


def number(value: float) -> str:
    """Return a rate: ``0``, ``0.8``, ``12``; what is above 0 is never shown as 0."""
    if 0 < value < 0.1:
        return "<0.1"
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:.0f}"


def old(at: float | None, now: float) -> bool:
    """Whether a measurement is too old to be told as now's."""
    return at is None or now - at > OLD


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]
