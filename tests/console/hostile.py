"""Hostile text and wire objects full of it: every string field of every type holds another payload."""

from __future__ import annotations

import dataclasses
import itertools
import random
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeVar

from tests.console.stage import NOW, Stage, source

from aistack_backend.wire.actions import Approval
from aistack_backend.wire.alerts import AlertList
from aistack_backend.wire.base import Raw
from aistack_backend.wire.boot import Boot, Plan
from aistack_backend.wire.checklist import Checklist
from aistack_backend.wire.dashboard import Dashboard
from aistack_backend.wire.events import Topic
from aistack_backend.wire.federation import Federation, HeldItem, HeldItems, ItemState
from aistack_backend.wire.learning import LearningStatus, Pattern, PatternDetail, Sample, SampleList
from aistack_backend.wire.loops import LoopList
from aistack_backend.wire.past import Past
from aistack_backend.wire.routing import Outbound, OutboundList, Routed, RouteList, RouteStats, Routing
from aistack_backend.wire.stack import Service, Stack
from aistack_backend.wire.storage import BackupList, Storage
from aistack_backend.wire.traces import Trace, TraceList, TraceRow
from aistack_backend.wire.traffic import Edge
from aistack_backend.wire.training import TrainingList

T = TypeVar("T")

SEQUENCES = (
    "\x1b[2J\x1b[H", "\x1b[31mred\x1b[0m", "\x1b]52;c;QUJD\x07", "\x1b]0;owned\x07",
    "\x1b]8;;http://x/\x07l\x1b]8;;\x07", "\x1bPq#0;2;0;0;0#0~~\x1b\\", "\x1bc", "\x1b[?1049l", "\x1b[6n",
    "\x1b[c", "\x1b[21t", "\x1b_Gf=100;AAAA\x1b\\", "\x9b2J", "\x9d52;c;QUJD\x9c", "\x90q\x9c", "\x85", "\x00",
    "\x07\x07", "\x08\x08\x08", "\x0b\x0c", "\x0e\x0f", "\x7f", "a\rb", "a\nb", "a\tb", "\x1b",
    "\x1b]52;c;never ended", "\x1b[", "\u202egnp.exe", "\u2066x\u2069", "\u200b\u2060\ufeff",
    "\U000e0041\U000e0042", "\u2028\u2029", "e\u0301\u0301\u0301\u0301\u0301\u0301", "\u3164\u115f", "漢字" * 20,
    "👩‍👩‍👧‍👦", "ｆｕｌｌ", "\u0e01\u0e47\u0e48", "ﷺ",
)  # fmt: skip
MARKUP = (
    "[@click=app.quit]Q[/]", "[@click=app.exit]x[/]", "[@click=screen.dismiss]x[/]",
    "[@click=app.simulate_key('y')]y[/]", "[@click='app.run(\"approvals.approve\")']go[/]",
    "[@mouse.down=app.quit]d[/]", "[link=http://x/]l[/link]", "[/x]", "[", "[[", "[bold", "[/]",
    "[bold]b[/bold]", "[red on blue]c[/]", "[$accent]v[/]", "\\[", "[@click=", "[x](y)",
    "[x](ssh://-oProxyCommand=x)", "[x](javascript:alert(1))", "![i](http://x/i.png)", "<http://x/>",
    "<script>x</script>", "# h", "> " * 30 + "q", "- " * 30 + "l", "```\n\x1b[2J\n```",
    "|a|b|\n|-|-|\n|[@click=app.quit]x[/]|\x1b[2J|", "$name", "%s", "{0}", "{x!r}", "{{}}", "../../etc/passwd",
    "' OR 1=1 --", "\\x1b[2J", "&lt;b&gt;", "NULL", "None", "-rf", "",
)  # fmt: skip
ALPHABET = (
    "\x1b\x9b\x9d\x90\x9c\x00\x07\x08\x0e\x7f\r\n\t\u202e\u2066\u200b\u2060"
    "\ufeff\u0301\u3164漢👩\u200d[]()@=/\\#>`*_-|;?m2JhcA1 "
)


def payloads(seed: int = 0) -> Iterator[str]:
    """Yield the fixed payloads, then random ones for ever."""
    yield from SEQUENCES
    yield from MARKUP
    yield from (one + two for one, two in zip(SEQUENCES, itertools.cycle(MARKUP), strict=False))
    rnd, fixed = random.Random(seed), (*SEQUENCES, *MARKUP)
    while True:
        yield rnd.choice(fixed)
        yield "".join(rnd.choice(ALPHABET) for _ in range(rnd.randint(1, 40)))


class Filler:
    """Makes wire objects; :attr:`used` counts the payloads that went in."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._numbers = itertools.count(1)
        self.used = 0

    def text(self) -> str:
        self.used += 1
        return next(self._texts)

    def make(self, kind: type[T], many: int = 2, **fixed: Any) -> T:
        hints = typing.get_type_hints(kind)
        values: dict[str, Any] = {}
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            if field.name in fixed:
                values[field.name] = fixed[field.name]
            else:
                values[field.name] = self._value(hints[field.name], field.name, many)
        return kind(**values)

    def _value(self, hint: Any, name: str, many: int) -> Any:
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin in (types.UnionType, typing.Union):
            return self._value(args[0], name, many)
        if origin is tuple:
            if args[-1] is not Ellipsis:
                return tuple(self._value(arg, name, many) for arg in args)
            return tuple(self._value(args[0], name, 2) for _ in range(many))
        if origin is dict:
            return {self.text(): self.text()}
        return self._plain(hint, name)

    def _plain(self, hint: Any, name: str) -> Any:
        if hint is str:
            return self.text()
        if hint is bool:
            return False
        if hint is int:
            return next(self._numbers)
        if hint is float:
            return NOW
        if hint is Raw:
            return Raw(self.text())
        if issubclass(hint, Enum):
            members = list(hint)
            return members[next(self._numbers) % len(members)]
        return self.make(hint)


def dress_observed(on: Stage, fill: Filler) -> None:
    """Give the stage hostile alarms, rules, targets, traces and questions."""
    dress_routes(on, fill)
    on.push(Topic.ALERTS, fill.make(AlertList, 4))
    rows = tuple(fill.make(TraceRow, id=digit * 32) for digit in "ab")
    on.answers["GET /v1/past"] = fill.make(Past, 4, at=NOW - 60, recorded=True)
    on.answers["GET /v1/traces"] = fill.make(TraceList, traces=rows)
    on.answers |= {f"GET /v1/traces/{one.id}": fill.make(Trace, 6, id=one.id) for one in rows}


def dress_routes(on: Stage, fill: Filler) -> None:
    """Give the stage hostile questions, ways, budgets and bodies that left."""
    routes = tuple(fill.make(Routed, id=number) for number in range(1, 6))
    on.answers |= {
        "GET /v1/routes": RouteList(routes=routes),
        "GET /v1/routing": fill.make(Routing, 3),
        "GET /v1/routing/stats": fill.make(RouteStats, by_route={fill.text(): 1}, by_class={}),
        "GET /v1/loops": fill.make(LoopList, 2),
        "GET /v1/dashboard": fill.make(Dashboard, 4),
        "GET /v1/outbound": OutboundList(sent=(fill.make(Outbound), fill.make(Outbound))),
    }


def dress_learning(on: Stage, fill: Filler) -> None:
    """Give the stage hostile patterns, lessons, samples and runs."""
    patterns = tuple(fill.make(Pattern, id=number) for number in range(1, 6))
    samples = SampleList(samples=tuple(fill.make(Sample, id=number) for number in range(1, 4)), waiting=3)
    on.push(Topic.LEARNING, fill.make(LearningStatus, 3, patterns=patterns, review=samples))
    items = tuple(fill.make(HeldItem, 2, id=number, state=ItemState.QUARANTINED) for number in range(1, 4))
    on.answers["GET /v1/trainings"] = fill.make(TrainingList, 3)
    on.answers["GET /v1/federation"] = fill.make(Federation, 3, quarantined=3)
    on.answers["GET /v1/federation/items"] = HeldItems(items=items)
    on.answers |= {f"GET /v1/learning/patterns/{one.id}": fill.make(PatternDetail, 3, pattern=one) for one in patterns}


def dress_stack(on: Stage, fill: Filler) -> None:
    """Give the stage a hostile stack: hostile services that name each other, a boot, ticks, storage and a plan."""
    names = [fill.text() for _ in range(8)]
    needs = [tuple(names[:index][-3:]) for index in range(len(names))]
    services = tuple(
        fill.make(Service, 6, id=name, depends_on=need, used_by=tuple(names[-2:]), symptoms=tuple(names[:3]))
        for name, need in zip(names, needs, strict=True)
    )
    pairs = [(user, need) for user, of in zip(names, needs, strict=True) for need in of]
    edges = tuple(fill.make(Edge, user=user, need=need, why=fill.text()) for user, need in pairs[::2])
    edges += tuple(Edge(user=user, need=need, why=fill.text()) for user, need in pairs[1::2])
    on.push(Topic.STACK, fill.make(Stack, at=NOW, source=source("stack"), services=services, edges=edges))
    on.push(Topic.BOOT, fill.make(Boot, 8))
    on.push(Topic.CHECKLIST, fill.make(Checklist, 8))
    on.answers |= {
        "POST /v1/stack/plan": fill.make(Plan, 8),
        "POST /v1/stack/check": fill.make(Stack, 4),
        "POST /v1/checklist/run": fill.make(Checklist, 8),
        "POST /v1/actions/preview": fill.make(Approval),
        "GET /v1/storage": fill.make(Storage, 8),
        "GET /v1/backups": fill.make(BackupList, 4),
    }
