"""``route``: a question by the best way there is, the ways that questions took, what left, and the lock."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from aistack_backend.wire.routing import (
    FeedbackRequest,
    Outbound,
    Route,
    RouteAnswer,
    RouteRequest,
    RouteStats,
    Routing,
)
from aistack_console.present import routes as words
from aistack_console.present.para import Para, wrap
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit

WIDTH = 100
"""Columns of what is told in full."""


def run(context: Context) -> Exit:
    """Do what the first word says."""
    doing = {
        "ask": _ask,
        "list": _list,
        "show": _show,
        "status": _status,
        "stats": _stats,
        "sent": _sent,
        "lock": _lock,
        "unlock": _lock,
        "replay": _replay,
        "judge": _judge,
    }
    return doing[context.arguments.what](context)


def _ask(context: Context) -> Exit:
    context.mutate("route ask")
    chosen = context.arguments
    text = sys.stdin.read() if chosen.rest == ["-"] else " ".join(chosen.rest)
    if not text.strip():
        raise VerbError(Exit.USAGE, "The question is empty.", "For example: route ask What is NixOS?")
    request = RouteRequest(
        query=text,
        session=chosen.session,
        prefer=chosen.prefer,
        local_only=chosen.local_only,
        fresh=chosen.fresh,
    )
    found = context.with_backend(lambda client: client.route(request))
    context.show(found, lambda: _said(found))
    return Exit.FAILED if found.route is Route.NONE else Exit.OK


def _said(found: RouteAnswer) -> str:
    figures = [(name, plain(value)) for name, value in words.figures(found)]
    return "\n".join([plain(found.answer, "drop"), "", fields(figures), "tried:", *_steps(found)])


def _steps(found: RouteAnswer) -> list[str]:
    return [f"  {words.step(one)}" for one in found.tried]


def _list(context: Context) -> Exit:
    _rest(context, 0, "route list takes no words.", "To ask: route ask WORDS")
    found = context.with_backend(lambda client: client.routes(context.arguments.most))
    rows = [words.row(one) for one in found.routes]
    context.show(found, lambda: columns(list(words.TITLES), rows) if rows else "Nothing was asked yet.")
    return Exit.OK


def _show(context: Context) -> Exit:
    number = _number(context)
    found = context.with_backend(lambda client: client.one_route(number))
    sent = context.with_backend(lambda client: client.outbound(number))
    context.show(found, lambda: _lines(words.detail(found, sent.sent)))
    return Exit.OK


def _status(context: Context) -> Exit:
    _rest(context, 0, "route status takes no words.", "To see one question: route show NUMBER")
    found: Routing = context.with_backend(lambda client: client.routing())
    context.show(found, lambda: _lines(words.standing(found)))
    return Exit.OK


def _stats(context: Context) -> Exit:
    _rest(context, 0, "route stats takes no words.", "It tells of the last day.")
    found = context.with_backend(lambda client: client.route_stats())
    context.show(found, lambda: fields(_counted(found)))
    return Exit.OK


def _counted(found: RouteStats) -> list[tuple[str, str]]:
    kept = "-" if found.local_share is None else f"{found.local_share:.0%}"
    costs = ", ".join(words.money(one.amount, one.currency) for one in found.costs) or "0"
    return [
        ("asked", f"{found.total}, {found.answered} answered"),
        *((f"by {route}", str(count)) for route, count in found.by_route.items()),
        ("from here", kept),
        ("latency", f"p50 {words.seconds(found.latency_p50)} s, p95 {words.seconds(found.latency_p95)} s"),
        ("tokens", f"{found.tokens_in} in, {found.tokens_out} out, as far as they were told"),
        ("cost", costs),
        ("judged", f"{found.good} good, {found.bad} bad, {found.not_judged} not"),
        *(("calibrated", words.calibration(one)) for one in found.calibrations),
    ]


def _sent(context: Context) -> Exit:
    rest = context.arguments.rest
    number = _number(context) if rest else None
    found = context.with_backend(lambda client: client.outbound(number, context.arguments.most))
    context.show(found, lambda: _told(found.sent))
    return Exit.OK


def _told(sent: Sequence[Outbound]) -> str:
    return _lines(words.left(sent)) if sent else "Nothing left this machine."


def _lock(context: Context) -> Exit:
    context.mutate(f"route {context.arguments.what}")
    _rest(context, 0, f"route {context.arguments.what} takes no words.", "It closes or opens the way out.")
    closed = context.arguments.what == "lock"
    lock = context.with_backend(lambda client: client.lock_routing(closed))
    context.show(lock, lambda: f"The way out is {'closed' if lock.locked else 'open'}. {plain(lock.why)}")
    return Exit.OK


def _replay(context: Context) -> Exit:
    context.mutate("route replay")
    number = _number(context)
    found = context.with_backend(lambda client: client.replay_route(number))
    here, away = words.side(found.local, ""), words.side(found.remote, found.why)
    halves = [fields([(name, plain(text)) for name, text in half]) for half in (here, away)]
    context.show(found, lambda: f"here\n{halves[0]}\n\nelsewhere\n{halves[1]}")
    return Exit.OK


def _judge(context: Context) -> Exit:
    context.mutate("route judge")
    chosen = context.arguments
    how = chosen.rest[1:] or ([] if not chosen.correction else ["corrected"])
    if not chosen.rest or not chosen.rest[0].isdecimal() or how not in (["good"], ["bad"], ["corrected"]):
        raise VerbError(Exit.USAGE, "Say a number, and good or bad.", "For example: route judge 12 good")
    request = FeedbackRequest(interaction_id=int(chosen.rest[0]), verdict=how[0], correction=chosen.correction)
    found = context.with_backend(lambda client: client.judge_route(request))
    context.show(found, lambda: f"Answer {found.id} is judged {found.verdict} by {plain(found.judged_by)}.")
    return Exit.OK


def _lines(paras: Sequence[Para]) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in wrap(paras, WIDTH))


def _number(context: Context) -> int:
    what = context.arguments.what
    (number,) = _rest(context, 1, f"route {what} takes one number.", "route list shows them.")
    if not number.isdecimal():
        raise VerbError(Exit.USAGE, f"{number!r} is no number of a question.", "route list shows them.")
    return int(number)


def _rest(context: Context, count: int, detail: str, hint: str) -> list[str]:
    rest: list[str] = context.arguments.rest
    if len(rest) != count:
        raise VerbError(Exit.USAGE, detail, hint)
    return rest
