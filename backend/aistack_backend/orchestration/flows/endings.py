"""When a step may begin, and what the end of steps means for others and for the run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aistack_backend.orchestration.flows.expressions import ExpressionFault, value
from aistack_backend.orchestration.flows.functions import text_of
from aistack_backend.orchestration.flows.models import After, FlowDecl, StepDecl
from aistack_backend.orchestration.flows.rows import Ended
from aistack_backend.wire.flows import StepState
from aistack_backend.wire.tasks import Task, TaskState

STEP_OF: Mapping[TaskState, StepState] = {
    TaskState.DONE: StepState.DONE,
    TaskState.DENIED: StepState.DENIED,
    TaskState.STOPPED: StepState.STOPPED,
    TaskState.UNSURE: StepState.UNSURE,
}
"""How a step ended whose task ended so; anything else (failed, exhausted) is failed."""
RUN_OF: Mapping[StepState, TaskState] = {
    StepState.DENIED: TaskState.DENIED,
    StepState.STOPPED: TaskState.STOPPED,
    StepState.UNSURE: TaskState.UNSURE,
    StepState.FAILED: TaskState.FAILED,
}
"""How a run ended that a step ended."""
States = Mapping[str, StepState]
"""Where each step stands, by id."""


def of_task(task: Task, outputs: Mapping[str, Any]) -> Ended:
    """Return how the step of a task that has ended stands; ``outputs`` of the run when it is one."""
    state = STEP_OF.get(task.state, StepState.FAILED)
    exhausted = "It was exhausted. " if task.state is TaskState.EXHAUSTED else ""
    result = {**outputs, "text": task.result, "task": task.id}
    return Ended(state=state, result=result, why=f"{exhausted}{task.reason}")


def of_group(step: StepDecl, known: Mapping[str, Any]) -> Ended:
    """Return the merged result of a group whose steps have ended: each one's under its id."""
    merged = {one: known["steps"][one] for one in step.members}
    every = {result["state"] for result in merged.values()}
    state = StepState.SKIPPED if every == {"skipped"} else StepState.DONE
    text = "\n\n".join(f"{one}: {text_of(result['text'])}" for one, result in merged.items() if result["text"])
    return Ended(state=state, result={**merged, "text": text})


def turned_away(step: StepDecl, states: States, known: Mapping[str, Any]) -> Ended | None:
    """Return why a step whose needs have ended does not begin; None = it does."""
    if step.when is None:
        if step.members:
            return None
        missing = next((one for one in step.needs if states[one] is not StepState.DONE), "")
        why = f"{missing}, which it needs, is {states[missing].value}." if missing else ""
        return Ended(state=StepState.SKIPPED, result={}, why=why) if missing else None
    try:
        wanted = bool(value(step.when, known))
    except ExpressionFault as error:
        return Ended(state=StepState.FAILED, result={}, why=f"Its condition: {error.detail}")
    return None if wanted else Ended(state=StepState.SKIPPED, result={}, why="Its condition does not hold.")


def ends_run(flow: FlowDecl, states: States) -> str:
    """Return the step that ended the run, the first in the file's order; "" when none did."""
    for one in flow.steps.values():
        state = states[one.id]
        refused = state in (StepState.DENIED, StepState.STOPPED) and one.on_denied is After.END
        broken = state in (StepState.FAILED, StepState.UNSURE) and one.on_failed is After.END
        if refused or broken:
            return one.id
    return ""


def of_run(flow: FlowDecl, states: States, known: Mapping[str, Any]) -> tuple[TaskState, str, dict[str, Any]]:
    """Return state, reason and outputs of a run of which nothing works any more."""
    if culprit := ends_run(flow, states):
        why = known["steps"][culprit]["why"]
        return RUN_OF[states[culprit]], f"Step {culprit} {states[culprit].value}: {why}".rstrip(": "), {}
    try:
        outputs = {name: template.value(known) for name, template in flow.outputs.items()}
    except ExpressionFault as error:
        return TaskState.FAILED, f"Its outputs: {error.detail}", {}
    count = sum(state is StepState.DONE for state in states.values())
    return TaskState.DONE, f"{count} of {len(states)} steps were done.", outputs


def told(outputs: Mapping[str, Any]) -> str:
    """Return what a run gave, for a person: one output alone, or each under its name."""
    if len(outputs) == 1:
        return text_of(next(iter(outputs.values())))
    return "\n\n".join(f"{name}:\n{text_of(found)}" for name, found in outputs.items())
