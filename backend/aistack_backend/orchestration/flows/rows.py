"""Runs and their steps as rows. Each change of a step is one short transaction: what is written is what happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.errors import NotFound
from aistack_backend.orchestration.flows.models import FlowDecl
from aistack_backend.store.flow_tables import flow_run, flow_step
from aistack_backend.store.tables import task
from aistack_backend.wire.flows import StepState

NEWEST = 50
"""Runs in a list."""
ENDED = frozenset(
    {
        StepState.DONE,
        StepState.SKIPPED,
        StepState.FAILED,
        StepState.DENIED,
        StepState.STOPPED,
        StepState.UNSURE,
    }
)
"""States that a step never leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a step ended."""

    state: StepState
    result: Mapping[str, Any]
    """What it leaves for others, without ``state`` and ``why``."""
    why: str = ""

    def whole(self) -> dict[str, Any]:
        """Return its result as expressions see it."""
        return {"text": "", **self.result, "state": self.state.value, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One run as it was asked for."""

    flow: FlowDecl
    source: str
    inputs: Mapping[str, Any]
    engines: tuple[str, ...] = ()
    depth: int = 0
    rerun_of: int | None = None
    from_step: str = ""


def create(connection: Connection, task_id: int, asked: Asked, kept: Mapping[str, RowMapping]) -> None:
    """Write a run whose task exists; ``kept`` are steps of an earlier run whose results stay."""
    connection.execute(
        insert(flow_run).values(
            task_id=task_id,
            workflow=asked.flow.name,
            source=asked.source,
            inputs=json.dumps(dict(asked.inputs), ensure_ascii=False),
            engines=json.dumps(list(asked.engines)),
            depth=asked.depth,
            rerun_of=asked.rerun_of,
            from_step=asked.from_step,
        )
    )
    for place, step in enumerate(asked.flow.steps):
        values: dict[str, Any] = {"task_id": task_id, "step": step, "place": place, "state": StepState.WAITING}
        if (old := kept.get(step)) is not None:
            for column in ("state", "began_at", "ended_at", "result", "why", "child_id"):
                values[column] = old[column]
            values["kept_from"] = old["kept_from"] or old["task_id"]
        connection.execute(insert(flow_step).values(**values))


def run(connection: Connection, task_id: int) -> RowMapping:
    """Return one run's row.

    Raises:
        NotFound: there is none of that number.
    """
    row = connection.execute(select(flow_run).where(flow_run.c.task_id == task_id)).mappings().first()
    if row is None:
        raise NotFound(f"There is no run {task_id} of a workflow.", "workflow runs lists them.")
    return row


def newest(connection: Connection) -> list[RowMapping]:
    """Return the newest runs, newest first."""
    query = select(flow_run).order_by(flow_run.c.task_id.desc()).limit(NEWEST)
    return list(connection.execute(query).mappings())


def unfinished(connection: Connection) -> list[int]:
    """Return the runs that are not over: their task has not ended, or a step of theirs has not. Oldest first."""
    joined = flow_run.join(task, task.c.id == flow_run.c.task_id)
    open_steps = select(flow_step.c.task_id).where(flow_step.c.state.notin_(sorted(ENDED)))
    still = task.c.state.notin_(sorted(FINAL)) | flow_run.c.task_id.in_(open_steps)
    query = select(flow_run.c.task_id).select_from(joined).where(still).order_by(flow_run.c.task_id)
    return [int(one) for one in connection.execute(query).scalars()]


def steps(connection: Connection, task_id: int) -> dict[str, RowMapping]:
    """Return a run's steps by id, in the file's order."""
    query = select(flow_step).where(flow_step.c.task_id == task_id).order_by(flow_step.c.place)
    return {row["step"]: row for row in connection.execute(query).mappings()}


def begin(connection: Connection, clock: Clock, task_id: int, step: str) -> None:
    """Write that a step has begun; one that had begun before keeps its time."""
    same = (flow_step.c.task_id == task_id) & (flow_step.c.step == step) & (flow_step.c.state == StepState.WAITING)
    connection.execute(update(flow_step).where(same).values(state=StepState.WORKING, began_at=clock.now(), tries=1))


def child(connection: Connection, task_id: int, step: str, child_id: int | None, tries: int) -> None:
    """Write which task works for a step; None = another one is to be asked for, the ``tries``-th."""
    same = (flow_step.c.task_id == task_id) & (flow_step.c.step == step)
    connection.execute(update(flow_step).where(same).values(child_id=child_id, tries=tries))


def end(connection: Connection, clock: Clock, task_id: int, step: str, ended: Ended) -> bool:
    """Write how a step ended; False when it had ended already."""
    same = (flow_step.c.task_id == task_id) & (flow_step.c.step == step) & flow_step.c.state.notin_(sorted(ENDED))
    result = json.dumps(ended.whole(), ensure_ascii=False)
    values = {"state": ended.state, "ended_at": clock.now(), "result": result, "why": ended.why}
    return connection.execute(update(flow_step).where(same).values(**values)).rowcount == 1


def outputs(connection: Connection, task_id: int, found: Mapping[str, Any]) -> None:
    """Write what a run gave."""
    text = json.dumps(dict(found), ensure_ascii=False)
    connection.execute(update(flow_run).where(flow_run.c.task_id == task_id).values(outputs=text))


def results(found: Mapping[str, RowMapping]) -> dict[str, Any]:
    """Return the results of the steps that have ended, as expressions see them."""
    return {step: json.loads(row["result"]) for step, row in found.items() if StepState(row["state"]) in ENDED}


def asked_again(flow: FlowDecl, row: RowMapping, task_id: int, step: str) -> Asked:
    """Return what an earlier run was asked, to be done again from a step."""
    return Asked(
        flow=flow,
        source=row["source"],
        inputs=json.loads(row["inputs"]),
        engines=tuple(json.loads(row["engines"])),
        rerun_of=task_id,
        from_step=step,
    )


def deeper(asked: Asked, depth: int) -> Asked:
    """Return the same, called by another run."""
    return replace(asked, depth=depth)
