"""Tasks: what was asked, where it stands, what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Column, Row, Tone
from aistack_console.present.units import day_clock, span

COLUMNS = (
    Column("ID", 4, "right"),
    Column("STATE", 11),
    Column("FROM", 16),
    Column("TIME", 6, "right"),
    Column("GOAL", 0),
    Column("RESULT", 0, min_screen_width=120),
)
WORDS: dict[TaskState, tuple[str, Tone]] = {
    TaskState.SUBMITTED: ("SUBMITTED", "accent"),
    TaskState.PLANNING: ("PLANNING", "accent"),
    TaskState.AWAITING: ("NEEDS-YOU", "warn"),
    TaskState.QUEUED: ("QUEUED", "accent"),
    TaskState.RUNNING: ("WORKING", "accent"),
    TaskState.PAUSED: ("PAUSED", "warn"),
    TaskState.DONE: ("DONE", "ok"),
    TaskState.EXHAUSTED: ("EXHAUSTED", "bad"),
    TaskState.FAILED: ("FAILED", "bad"),
    TaskState.STOPPED: ("STOPPED", "dim"),
    TaskState.DENIED: ("DENIED", "bad"),
    TaskState.UNSURE: ("UNSURE", "bad"),
    TaskState.UNKNOWN: ("UNKNOWN", "warn"),
}
"""Task states as words; EXHAUSTED is never DONE, and UNSURE says that a person must look."""
ENDED = {
    TaskState.DONE,
    TaskState.EXHAUSTED,
    TaskState.FAILED,
    TaskState.STOPPED,
    TaskState.DENIED,
    TaskState.UNSURE,
}


IDLE = {TaskState.QUEUED, TaskState.PAUSED}
"""Nothing of it runs, and it needs nobody."""


def rows(found: TaskList | None, now: float) -> tuple[Row, ...]:
    """Return the tasks as rows, newest first; what a task started stands below it."""
    return tuple(_row(one, now, depth) for one, depth in tree(found.tasks)) if found else ()


def tree(tasks: Sequence[Task]) -> tuple[tuple[Task, int], ...]:
    """Return each task with its depth, parents before what they started; one whose parent is not here is a root."""
    known = {one.id for one in tasks}
    below: dict[int | None, list[Task]] = {}
    for one in tasks:
        below.setdefault(one.parent_id if one.parent_id in known and one.parent_id != one.id else None, []).append(one)
    found: list[tuple[Task, int]] = []
    waiting = [(one, 0) for one in reversed(below.pop(None, []))]
    while waiting:
        one, depth = waiting.pop()
        found.append((one, depth))
        waiting += [(child, depth + 1) for child in below.pop(one.id, [])]  # popped: oldest child first
    return (*found, *((one, 0) for rest in below.values() for one in rest))


def _row(one: Task, now: float, depth: int) -> Row:
    ended = one.updated_at if one.state in ENDED else now
    result = (one.result or one.reason).split("\n", 1)[0]
    cells = (
        str(one.id),
        WORDS[one.state],
        one.requester,
        span(ended - one.created_at),
        f"{'  ' * min(depth, 4)}{'└ ' if depth else ''}{one.goal}",
        result,
    )
    return Row(str(one.id), cells)


def head(found: TaskList | None) -> str:
    """Return how many tasks work, wait and ended."""
    if found is None:
        return "not measured yet"
    waiting = sum(one.state is TaskState.AWAITING for one in found.tasks)
    ended = sum(one.state in ENDED for one in found.tasks)
    idle = sum(one.state in IDLE for one in found.tasks)
    working = len(found.tasks) - waiting - ended - idle
    return f"{working} working   {idle} idle   {waiting} need you   {ended} ended"


def heading(one: Task) -> tuple[Para, ...]:
    """Return number, state and goal."""
    word, tone = WORDS[one.state]
    return (para((f"#{one.id} ", "accent"), (f"{word} ", tone), one.reason), fact("goal", one.goal))


def stopping(found: Sequence[Task]) -> tuple[Para, ...]:
    """Return what a stop of these tasks ends."""
    said = "What runs is ended, containers and all; what waits is closed. It cannot be undone."
    return (para((said, "warn")), *(para(f"#{o.id} ", WORDS[o.state], f"  {o.goal}") for o in found))


def detail(one: Task, now: float) -> tuple[Para, ...]:
    """Return one task in full, with what its action gave back."""
    paras = list(heading(one))
    facts = (
        ("action", one.action_title),
        ("approval", "" if one.approval_id is None else f"#{one.approval_id}"),
        ("asked by", f"{one.requester} via {one.via or '-'} at {day_clock(one.created_at, now)}"),
        ("planned", one.planner),
        ("changed", day_clock(one.updated_at, now)),
    )
    paras += [fact(name, value) for name, value in facts if value]
    if one.result:
        paras += [title("result"), *text_lines(one.result)]
    return tuple(paras)


def copies(one: Task) -> tuple[tuple[str, str], ...]:
    """Return what can be copied of a task, as ``(what, text)``."""
    return (
        ("goal", one.goal),
        ("result", one.result),
        ("line", f"#{one.id} {WORDS[one.state][0]} {one.goal}" + (f": {one.reason}" if one.reason else "")),
        ("again", shlex.join(("aistack-console", "run", one.goal))),
    )
