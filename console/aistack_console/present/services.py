"""The services list: containers as rows, sorted and filtered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aistack_backend.wire.containers import Container, ContainerState, Fleet, Port, Usage, UsageTable
from aistack_backend.wire.tasks import Task
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.tasks import ENDED, WORDS
from aistack_console.present.units import coarse, percent, size
from aistack_console.present.words import ORDER, Word, faulty, fleet_word, measured, source_line, stale

COLUMNS = (
    Column("NAME", 0),
    Column("STATE", 8),
    Column("UP", 6, "right"),
    Column("CPU%", 5, "right"),
    Column("MEM/LIM", 9, "right"),
    Column("PORT", 6),
    Column("IMAGE", 24, min_screen_width=150),
    Column("WHY", 0),
)
SORTS = ("name", "state", "cpu", "memory", "up")
"""What ``o`` goes through."""
USAGE_STALE = 15.0
"""Seconds after which a usage sample is not shown any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the operator wants the list."""

    sort: str = "name"
    reverse: bool = False
    text: str = ""
    """Regex on name, image and state word; ``!`` before it inverts."""
    hide_stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The list and the line above it."""

    rows: tuple[Row, ...]
    head: str
    problem: str = ""
    """What is wrong with the source or the filter; empty = nothing."""


def listed(
    fleet: Fleet | None,
    usage: UsageTable | None,
    view: View,
    *,
    down: float | None,
    why: str,
    now: float,
    own: Mapping[str, Cell] | None = None,
) -> Listed:
    """Return the rows of the list; old values are words of their age, never numbers.

    ``own`` is what stands in the last column of a container whose action was asked from here and has not ended.
    """
    if fleet is None:
        return Listed(rows=(), head="not measured yet", problem=why if down is not None else "")
    matches, fault = matcher(view.text)
    used = samples(usage, fleet, down, now)
    words = {one.ref: fleet_word(one, fleet, down, now) for one in fleet.containers}
    shown = [
        one
        for one in fleet.containers
        if not (view.hide_stopped and words[one.ref].word == "STOPPED")
        and matches(f"{one.full_name} {one.image} {words[one.ref].word}")
    ]
    shown.sort(
        key=lambda one: order(one.full_name, words[one.ref], one, used.get(one.ref), view.sort), reverse=view.reverse
    )
    mine = own or {}
    rows = tuple(plain_row(one, words[one.ref], used.get(one.ref), now, mine.get(one.ref)) for one in shown)
    problem = _problem(fleet, fault, now) if fleet.containers else ""  # an empty list has a pane that says it whole
    return Listed(rows=rows, head=_head(fleet, len(shown), view), problem=problem)


def matcher(text: str) -> tuple[Any, str]:
    """Return a predicate for a filter text and what is wrong with it; a broken regex is taken literally."""
    inverse, pattern = text.startswith("!"), text.removeprefix("!")
    if not pattern:
        return (lambda _: True), ""
    fault = ""
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        compiled = re.compile(re.escape(pattern), re.IGNORECASE)
        fault = f"The filter is not a regex ({error}): it is taken literally."
    return (lambda line: bool(compiled.search(line)) != inverse), fault


def uptime(one: Container, now: float) -> str:
    """Return how long it has run, or how long ago it ended."""
    if one.state in {ContainerState.RUNNING, ContainerState.PAUSED}:
        return coarse(None if one.started_at is None else now - one.started_at)
    return "-" if one.finished_at is None else f"-{coarse(now - one.finished_at)}"


def first_port(found: Sequence[Port]) -> str:
    """Return the lowest published port, with ``+`` when there are more."""
    numbers = sorted({port.host_port for port in found if port.host_port})
    return f"{numbers[0]}{'+' if len(numbers) > 1 else ''}" if numbers else ""


def image_name(image: str) -> str:
    """Return an image without its registry."""
    return image.rpartition("/")[2]


def samples(usage: UsageTable | None, fleet: Fleet, down: float | None, now: float) -> Mapping[str, Usage]:
    """Return the newest usage of each container by its ref; none where it, or its machine's list, is old."""
    if usage is None or now - usage.at > USAGE_STALE:
        return {}
    current = {name for name in ("", *(h.name for h in fleet.hosts)) if stale(fleet.source_of(name), down) is None}
    return {row.id: row for row in usage.rows if row.id.rpartition("/")[0] in current}


def order(name: str, word: Word, one: Container | None, used: Usage | None, sort: str) -> tuple[Any, ...]:
    """Return what a row is sorted by."""
    name = name.lower()
    if sort == "state":
        return (ORDER.index(word.word), name)
    if sort == "cpu":
        return (-(used.cpu_percent or 0.0) if used else 0.0, name)
    if sort == "memory":
        return (-(used.memory or 0) if used else 0, name)
    if sort == "up":
        return (-((one.started_at if one else None) or 0.0), name)
    return (name,)


def plain_row(one: Container, word: Word, used: Usage | None, now: float, own: Cell | None) -> Row:
    """Return one container as a row; ``own`` stands in the last column."""
    running = one.state is ContainerState.RUNNING
    memory: Cell = ("-", "dim")
    cpu: Cell = ("-", "dim")
    if used and running:
        memory = f"{size(used.memory)}/{size(used.memory_limit)}"
        cpu = percent(used.cpu_percent)
    why = ", ".join(filter(None, (word.why, _restarted(one.restarts))))
    return Row(
        one.ref,
        (
            one.full_name,
            word.cell,
            uptime(one, now) if word.word != "UNKNOWN" else ("-", "dim"),
            cpu,
            memory,
            first_port(one.ports),
            image_name(one.image),
            own or (why, "dim" if word.word in {"OK", "STOPPED"} else word.tone),
        ),
    )


def _restarted(count: int | None) -> str:
    """Return how often Podman restarted it: words beside the reason, since most containers have none."""
    return f"{count} restart{'s' if count > 1 else ''}" if count else ""


def own_action(task: Task) -> Cell | None:
    """Return where an action asked from this console stands, while it has not ended; its container is not hoped on."""
    if task.state in ENDED:
        return None
    word, tone = WORDS[task.state]
    return (f"task {task.id} {word.lower()}: {task.action_title or task.goal}", tone)


def _head(fleet: Fleet, shown: int, view: View) -> str:
    if not measured(fleet):
        return "not measured"
    count = len(fleet.containers)
    words = [f"{shown} of {count}" if shown != count else f"{count}", f"sorted by {view.sort}"]
    if view.reverse:
        words[-1] += " reversed"
    if view.hide_stopped:
        words.append("stopped hidden (A shows)")
    if view.text:
        words.append(f"filter {view.text}")
    return "   ".join(words)


def _problem(fleet: Fleet, fault: str, now: float) -> str:
    source = faulty(fleet)
    return source_line(source, now) if source else fault
