"""Workflows and their runs: which step stands where, and what came of it."""

from __future__ import annotations

from aistack_backend.wire.flows import FlowRun, FlowStep, StepState, Workflow
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Tone
from aistack_console.present.units import span

WORDS: dict[StepState, tuple[str, Tone]] = {
    StepState.WAITING: ("WAITING", "dim"),
    StepState.WORKING: ("WORKING", "accent"),
    StepState.ASKING: ("NEEDS-YOU", "warn"),
    StepState.DONE: ("DONE", "ok"),
    StepState.SKIPPED: ("SKIPPED", "dim"),
    StepState.FAILED: ("FAILED", "bad"),
    StepState.DENIED: ("DENIED", "bad"),
    StepState.STOPPED: ("STOPPED", "dim"),
    StepState.UNSURE: ("UNSURE", "bad"),
    StepState.UNKNOWN: ("UNKNOWN", "warn"),
}
"""Step states as words; UNSURE says that a person must look."""
RUN_TITLES = ("ID", "STATE", "STEPS", "WORKFLOW", "WHY")
STEP_TITLES = ("STEP", "STATE", "TIME", "TASK", "DOES", "WHY")
LIST_TITLES = ("WORKFLOW", "FROM", "INPUTS", "STEPS", "TITLE")
OVER = frozenset({StepState.WAITING, StepState.WORKING, StepState.ASKING})
"""States of a step that has not ended."""


def ended(run: FlowRun) -> int:
    """Return how many steps have ended."""
    return sum(one.state not in OVER for one in run.steps)


def asking(run: FlowRun) -> tuple[FlowStep, ...]:
    """Return the steps that wait for a person."""
    return tuple(one for one in run.steps if one.state is StepState.ASKING)


def run_row(run: FlowRun) -> tuple[str, ...]:
    """Return one run as the cells of a list."""
    state = "needs you" if asking(run) else run.task.state.value
    return (str(run.task.id), state, f"{ended(run)}/{len(run.steps)}", run.workflow, run.task.reason)


def step_row(one: FlowStep, now: float) -> tuple[str, ...]:
    """Return one step as the cells of a list; a member of a group stands under it, indented."""
    name = f"  {one.id}" if one.group else one.id
    task = f"{one.task_id}" if one.task_id else ""
    kept = f"kept from run {one.kept_from}. " if one.kept_from else ""
    return (name, WORDS[one.state][0], took(one, now), task, one.what, f"{kept}{one.why}".strip())


def took(one: FlowStep, now: float) -> str:
    """Return how long a step took, or has taken so far."""
    if one.began_at is None:
        return "-"
    return span((one.ended_at or now) - one.began_at)


def ordered(steps: tuple[FlowStep, ...]) -> tuple[FlowStep, ...]:
    """Return the steps as a person reads them: a group before what is in it; none is left out."""
    groups = {one.id for one in steps if not one.group}
    inside: dict[str, list[FlowStep]] = {}
    for one in steps:
        if one.group in groups:
            inside.setdefault(one.group, []).append(one)
    found: list[FlowStep] = []
    for one in steps:
        if one.group not in groups:
            found += [one, *inside.pop(one.id, [])]
    return tuple(found)


def flow_row(one: Workflow) -> tuple[str, ...]:
    """Return one workflow as the cells of a list."""
    inputs = " ".join(f"{each.name}*" if each.needed else each.name for each in one.inputs)
    origin = "built-in" if one.builtin else "own"
    return (one.name, origin, inputs, str(len(one.steps)), one.fault or one.title)


def run_detail(run: FlowRun, shown: FlowStep | None, now: float) -> tuple[Para, ...]:
    """Return a run: how far it is, every step with where it stands, then the shown step in full."""
    inputs = ", ".join(f"{one.name}={one.value}" for one in run.inputs)
    paras = [para(("steps ", "dim"), f"{ended(run)} of {len(run.steps)} ended", ("   h l other steps", "dim"))]
    paras += [_line(one, one is shown, now) for one in ordered(run.steps)]
    if run.rerun_of:
        paras.append(fact("again", f"run {run.rerun_of} from step {run.from_step}"))
    paras += [fact("inputs", inputs)] if inputs else []
    if shown is not None:
        paras += _step_detail(shown)
    for one in run.outputs:
        paras += [title(f"gave {one.name}"), *text_lines(one.value or "(nothing)")]
    return tuple(paras)


def _line(one: FlowStep, chosen: bool, now: float) -> Para:
    word, tone = WORDS[one.state]
    name = f"{'>' if chosen else ' '}{'  ' if one.group else ''}{one.id}"
    return para(
        (f"{name:<16} ", "accent" if chosen else "plain"),
        (f"{word:<9} ", tone),
        (f"{took(one, now):>5} ", "dim"),
        one.what,
        hang=" " * 18,
    )


def _step_detail(one: FlowStep) -> list[Para]:
    facts = (
        ("why", one.why),
        ("task", f"#{one.task_id}" if one.task_id else ""),
        ("approval", f"#{one.approval_id} waits for you" if one.approval_id else ""),
        ("kept", f"its result is that of run {one.kept_from}" if one.kept_from else ""),
    )
    found = [title(f"step {one.id}"), *(fact(name, value) for name, value in facts if value)]
    return [*found, *text_lines(one.text)] if one.text else found
