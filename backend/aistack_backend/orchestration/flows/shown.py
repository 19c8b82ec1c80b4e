"""Workflows and runs as they cross the socket."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import RowMapping

from aistack_backend.containers.stack.place import ManifestError
from aistack_backend.errors import BackendError
from aistack_backend.orchestration.flows.engines import Engine
from aistack_backend.orchestration.flows.functions import text_of
from aistack_backend.orchestration.flows.library import Entry
from aistack_backend.orchestration.flows.models import FlowDecl, InputDecl, StepDecl
from aistack_backend.orchestration.flows.reader import line_of
from aistack_backend.wire.flows import (
    FlowEngine,
    FlowFault,
    FlowInput,
    FlowRun,
    FlowStep,
    Named,
    StepState,
    Workflow,
)
from aistack_backend.wire.tasks import Task, TaskState

TEXT = 16 * 1024
"""Characters of what came of one step."""


def workflow(entry: Entry, *, whole: bool = False) -> Workflow:
    """Return one file; ``whole``: with its text."""
    flow, faults = entry.found.flow, entry.found.faults
    head = Workflow(
        name=entry.name,
        builtin=entry.builtin,
        file=str(entry.file),
        fault=faults[0].detail if faults else "",
        source=entry.text if whole else "",
    )
    if flow is None:
        return head
    return Workflow(
        name=flow.name,
        title=flow.title,
        about=flow.about.strip(),
        builtin=entry.builtin,
        file=head.file,
        engines=flow.engines,
        inputs=tuple(_input(one) for one in flow.inputs.values()),
        steps=tuple(_step(one) for one in flow.steps.values()),
        outputs=tuple(flow.outputs),
        source=head.source,
    )


def engine(one: Engine) -> FlowEngine:
    """Return an engine with where it stands now."""
    try:
        return FlowEngine(name=one.name, about=one.about, ready=True, detail=one.standing())
    except BackendError as error:
        return FlowEngine(name=one.name, about=one.about, ready=False, detail=error.detail)


def fault(one: ManifestError) -> FlowFault:
    """Return one fault of a file."""
    return FlowFault(line=line_of(one), text=one.detail, hint=one.hint)


def run(
    flow: FlowDecl | None,
    row: RowMapping,
    task: Task,
    steps: Mapping[str, RowMapping],
    children: Mapping[str, Task],
    *,
    whole: bool,
) -> FlowRun:
    """Return one run; ``whole``: with what came of its steps. ``flow`` None: its text cannot be read any more."""
    decls = flow.steps if flow else {}
    made = tuple(_now(decls.get(key), one, children.get(key), whole) for key, one in steps.items())
    return FlowRun(
        task=task,
        workflow=row["workflow"],
        engines=tuple(json.loads(row["engines"])),
        inputs=_named(row["inputs"]),
        outputs=_named(row["outputs"]),
        steps=made,
        rerun_of=row["rerun_of"],
        from_step=row["from_step"],
    )


def _now(decl: StepDecl | None, row: RowMapping, child: Task | None, whole: bool) -> FlowStep:
    state, why, approval = StepState(row["state"]), row["why"], None
    if state is StepState.WORKING and child is not None:
        why = child.reason
        if child.state is TaskState.AWAITING:
            state, approval = StepState.ASKING, child.approval_id
            why = child.action_title
    text = text_of(json.loads(row["result"]).get("text", "")) if whole else ""
    return FlowStep(
        id=row["step"],
        what=decl.title if decl else "",
        group=decl.group if decl else "",
        needs=decl.needs if decl else (),
        state=state,
        why=why,
        text=text[:TEXT],
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        task_id=row["child_id"],
        approval_id=approval,
        kept_from=row["kept_from"],
    )


def _step(one: StepDecl) -> FlowStep:
    return FlowStep(id=one.id, what=one.title, group=one.group, needs=one.needs)


def _input(one: InputDecl) -> FlowInput:
    return FlowInput(
        name=one.name,
        type=one.kind,
        default="" if one.default is None else text_of(one.default),
        needed=one.default is None,
        about=one.about,
        choices=one.choices,
    )


def _named(text: str) -> tuple[Named, ...]:
    return tuple(Named(name=name, value=text_of(one)) for name, one in json.loads(text).items())
