"""Wait for a task to come to where something can be said about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aistack_backend.wire.flows import FlowRun, StepState
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.client.api import Client
from aistack_console.verbs.context import VerbError, ago, fields
from aistack_console.verbs.exits import Exit

STEP = 0.1
"""Seconds between two looks at a task."""
ENDED = frozenset(
    {
        TaskState.DONE,
        TaskState.EXHAUSTED,
        TaskState.FAILED,
        TaskState.STOPPED,
        TaskState.DENIED,
        TaskState.UNSURE,
    }
)
"""States that no task leaves by itself."""
BEFORE_PROPOSAL = frozenset({TaskState.SUBMITTED, TaskState.PLANNING})


def ended(task: Task) -> bool:
    """Say whether the task is over."""
    return task.state in ENDED


def proposed(task: Task) -> bool:
    """Say whether its action is known, or it is over without one."""
    return task.state not in BEFORE_PROPOSAL


async def until(client: Client, task: Task, good: Callable[[Task], bool], seconds: float) -> Task:
    """Look at the task until ``good`` says yes.

    Raises:
        VerbError: it did not within ``seconds``; the task goes on.
    """
    try:
        async with asyncio.timeout(seconds):
            while not good(task):
                await asyncio.sleep(STEP)
                task = await client.task(task.id)
    except TimeoutError:
        raise VerbError(
            Exit.TIMEOUT,
            f"Task {task.id} is {task.state.value} after {seconds:g} s; it goes on.",
            f"See aistack-console tasks {task.id}.",
        ) from None
    return task


async def until_run(client: Client, run: FlowRun, seconds: float, *, for_person: bool) -> FlowRun:
    """Look at a run of a workflow until it has ended or, ``for_person``, until nothing goes on without a person.

    Raises:
        VerbError: it did not within ``seconds``; the run goes on.
    """

    def stands() -> bool:
        states = {one.state for one in run.steps}
        held = for_person and StepState.ASKING in states and StepState.WORKING not in states
        return ended(run.task) or held

    try:
        async with asyncio.timeout(seconds):
            while not stands():
                await asyncio.sleep(STEP)
                run = await client.flow_run(run.task.id)
    except TimeoutError:
        raise VerbError(
            Exit.TIMEOUT,
            f"Run {run.task.id} is {run.task.state.value} after {seconds:g} s; it goes on.",
            f"See aistack-console workflow runs {run.task.id}.",
        ) from None
    return run


def verdict(task: Task) -> Exit:
    """Return the exit code that a task's state stands for: exhausted and unsure are not done."""
    if task.state is TaskState.DENIED:
        return Exit.NOT_ALLOWED
    return Exit.FAILED if ended(task) and task.state is not TaskState.DONE else Exit.OK


def words(task: Task) -> str:
    """Return a task for a person."""
    approval = f"{task.approval_id}" if task.approval_id else ""
    if task.state is TaskState.AWAITING:
        approval += f"   decide: aistack-console approve {approval}   or: deny {approval} --reason WHY"
    return fields(
        [
            (f"task {task.id}", task.goal),
            ("state", f"{task.state.value.upper()}, {ago(task.updated_at)} ago"),
            ("why", task.reason),
            ("action", task.action_title),
            ("approval", approval),
            ("asked by", f"{task.requester} {task.via}".strip()),
            ("proposed by", task.planner),
            ("result", task.result),
        ]
    )
