"""What waits, runs and happened, as facts."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.orchestration.ask.models import Fact
from aistack_backend.orchestration.ask.stackfacts import When
from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState
from aistack_backend.wire.containers import Activity
from aistack_backend.wire.tasks import Task, TaskList, TaskState

OPEN = frozenset(
    {
        TaskState.SUBMITTED, TaskState.PLANNING, TaskState.AWAITING, TaskState.QUEUED, TaskState.RUNNING,
        TaskState.PAUSED, TaskState.UNSURE,
    }
)  # fmt: skip
ENDED = 10
"""Ended tasks that are told, and events."""


def approvals(found: ApprovalList, when: When) -> Fact:
    """What waits for a decision."""
    waiting = [one for one in found.approvals if one.state is ApprovalState.PENDING]
    decided = [one for one in found.approvals if one.state is not ApprovalState.PENDING][:5]
    lines = [_asked(one, when) for one in waiting]
    lines += [
        f"decided before: {one.id} {one.title}: {one.state.value}, by {one.decided_by or 'nobody'}" for one in decided
    ]
    if not waiting:
        return Fact(lead="Nothing waits for approval.", lines=tuple(lines))
    many = "request waits" if len(waiting) == 1 else "requests wait"
    return Fact(lead=f"{len(waiting)} {many} for a person's decision.", lines=tuple(lines))


def _asked(one: Approval, when: When) -> str:
    until = f"counts as no at {when(one.expires_at)}"
    return f"{one.id}: {one.title} ({one.risk.value} risk), asked by {one.requester}; {until}"


def tasks(found: TaskList, when: When) -> Fact:
    """What runs and waits, then what ended last."""
    going = [one for one in found.tasks if one.state in OPEN]
    running = [one for one in going if one.state is TaskState.RUNNING]
    ended = [one for one in found.tasks if one.state not in OPEN][:ENDED]
    count = f"{len(running)} {'task runs' if len(running) == 1 else 'tasks run'}" if running else "No task runs"
    others = len(going) - len(running)
    lead = f"{count}; {others or 'none'} {'has' if others == 1 else 'have'} not ended besides."
    return Fact(
        lead=lead,
        lines=tuple(task_line(one, when) for one in (*running, *(t for t in going if t not in running), *ended)),
    )


def task_line(one: Task, when: When) -> str:
    """One task in one line; the words of its goal are data."""
    title = one.action_title or "no action yet"
    return f"{one.id}: {one.state.value} since {when(one.updated_at)}: {title}; goal: {one.goal}. {one.reason}".rstrip()


def task(one: Task, when: When) -> Fact:
    """One task in full."""
    lines = [f"goal: {one.goal}", f"asked by {one.requester} at {when(one.created_at)}"]
    lines += [f"action: {one.action_title}"] if one.action_title else []
    lines += [f"approval: {one.approval_id}"] if one.approval_id else []
    lines += [f"why: {one.reason}"] if one.reason else []
    lines += [f"result: {line}" for line in one.result.splitlines()[-30:]]
    return Fact(lead=f"Task {one.id} is {one.state.value} since {when(one.updated_at)}.", lines=tuple(lines))


def events(found: Sequence[Activity], about: str, when: When) -> Fact:
    """What happened last, newest first; of one container when ``about`` names it."""
    lines = tuple(f"{when(one.at)} {one.who}: {one.text}" for one in found)
    of = f" with {about}" if about else ""
    if not lines:
        return Fact(lead=f"Nothing is recorded that happened{of}.")
    return Fact(lead=f"The last {len(lines)} things that happened{of}, newest first.", lines=lines)
