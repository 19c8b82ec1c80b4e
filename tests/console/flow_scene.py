"""A run that needs its person: two branches done, a restart that waits for approval, a report that waits for it."""

from __future__ import annotations

from typing import Any

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.events import Topic
from aistack_backend.wire.flows import FlowRun, FlowStep, Named, StepState
from aistack_backend.wire.tasks import Task, TaskList, TaskState

COMMON: dict[str, Any] = {"requester": "operator:me", "via": "tui", "updated_at": NOW - 5}
TASK = Task(
    id=61,
    goal="workflow coordinate",
    state=TaskState.RUNNING,
    reason="4 of 6 steps ended; act (approval 9) needs you.",
    created_at=NOW - 40,
    **COMMON,
)
CHILD = Task(
    id=62,
    goal="act: a step of coordinate, run 61",
    state=TaskState.AWAITING,
    created_at=NOW - 30,
    approval_id=9,
    parent_id=61,
    **COMMON,
)
ENDED = Task(
    id=60,
    goal="workflow simple_query",
    state=TaskState.DONE,
    reason="1 of 1 steps were done.",
    result="A container is a process with its own view of files and network.",
    created_at=NOW - 600,
    **{**COMMON, "updated_at": NOW - 590},
)
TASKS = TaskList(tasks=(CHILD, TASK, ENDED))


def step(ident: str, what: str, state: StepState, **more: Any) -> FlowStep:
    """One step."""
    return FlowStep(id=ident, what=what, state=state, **more)


def run() -> FlowRun:
    """The run of the note's default workflow."""
    began: dict[str, Any] = {"began_at": NOW - 38, "ended_at": NOW - 36}
    steps = (
        step("known", "read lookup", StepState.DONE, group="branches", **began),
        step("stack", "read stack", StepState.DONE, group="branches", text="web: bad. not listening", **began),
        step("proposal", "read proposal", StepState.DONE, group="branches", text="container.restart web", **began),
        step("branches", "3 at the same time", StepState.DONE),
        step(
            "act",
            "action …",
            StepState.ASKING,
            needs=("branches",),
            why="restart container web",
            began_at=NOW - 30,
            task_id=62,
            approval_id=9,
        ),
        step("report", "ask", StepState.WAITING, needs=("act",)),
    )
    return FlowRun(
        task=TASK,
        workflow="coordinate",
        engines=("qwen-coder",),
        inputs=(Named(name="task", value="restart web"), Named(name="planner", value="rules")),
        steps=steps,
    )


def ended() -> FlowRun:
    """The run of one question, over."""
    done = step("answer", "ask", StepState.DONE, began_at=NOW - 599, ended_at=NOW - 591, text=ENDED.result)
    given = (Named(name="answer", value=ENDED.result),)
    return FlowRun(task=ENDED, workflow="simple_query", steps=(done,), outputs=given)


def running(one: Stage) -> None:
    """The normal world, with these runs."""
    scenes.normal(one)
    one.topics[Topic.TASKS] = TASKS
    one.answers["GET /v1/runs/61"] = run()
    one.answers["GET /v1/runs/60"] = ended()
