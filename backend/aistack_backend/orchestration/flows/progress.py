"""How far a run is: its rows read once, moved on in the caller's transaction, and what may begin next."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from aistack_backend.clock import Clock
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.orchestration import board
from aistack_backend.orchestration.flows import endings, rows
from aistack_backend.orchestration.flows.models import FlowDecl, Kind, StepDecl
from aistack_backend.orchestration.flows.rows import ENDED, Ended
from aistack_backend.store.flow_tables import flow_run
from aistack_backend.store.tables import approval
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.flows import StepState
from aistack_backend.wire.tasks import Task, TaskState

TRIES = 20
"""Tasks that are asked for one step: an approval that a restart made void is asked for again, and decided anew."""


class State:
    """One run as its rows stand. ``take_in`` moves it on."""

    def __init__(self, flow: FlowDecl, run: RowMapping, steps: Mapping[str, RowMapping]) -> None:
        self.task_id = int(run["task_id"])
        self.flow = flow
        self.states = {step: StepState(row["state"]) for step, row in steps.items()}
        self.tries = {step: max(1, row["tries"]) for step, row in steps.items()}
        self.children: dict[str, int | None] = {step: row["child_id"] for step, row in steps.items()}
        self.asking: dict[str, int] = {}
        """Approvals that wait for a person, by step."""
        self.known: dict[str, Any] = {"inputs": json.loads(run["inputs"]), "steps": rows.results(steps)}

    @property
    def culprit(self) -> str:
        """The step that ended the run; "" while none did."""
        return endings.ends_run(self.flow, self.states)

    @property
    def over(self) -> bool:
        """Nothing works, and nothing may begin."""
        left = {state for state in self.states.values() if state not in ENDED}
        return not left or (bool(self.culprit) and StepState.WORKING not in left)

    def stirs(self, connection: Connection, busy: Collection[str], told: str) -> bool:
        """Whether there is anything to write: something ended, may begin, or reads otherwise than ``told``."""
        for step, child in self.children.items():
            if self.states[step] is StepState.WORKING and child is not None and self._child(connection, step, child):
                return True
        settled = self.over or next(self._turned_away(), None) or next(self.ready(busy), None)
        return bool(settled) or self.words() != told

    def take_in(self, connection: Connection, clock: Clock) -> bool:
        """Write the end of every step that has ended; True when that changed something."""
        moved = False
        for step in self.flow.steps.values():
            child = self.children[step.id]
            if self.states[step.id] is StepState.WORKING and child is not None:
                moved |= self._follow(connection, clock, step, child)
        while ended := next(self._turned_away(), None):
            self._end(connection, clock, *ended)
            moved = True
        return moved

    def ready(self, busy: Collection[str]) -> Iterator[StepDecl]:
        """Yield what may begin, and what had begun in an earlier life and is not ``busy`` in this one."""
        for step in self.flow.steps.values():
            state = self.states[step.id]
            again = state is StepState.WORKING and self.children[step.id] is None and step.id not in busy
            if again or (state is StepState.WAITING and not self.culprit and self._free(step)):
                yield step

    def words(self) -> str:
        """Return where it stands, in one sentence."""
        done = sum(state in ENDED for state in self.states.values())
        if self.asking:
            waits = ", ".join(f"{step} (approval {number})" for step, number in self.asking.items())
            return f"{done} of {len(self.states)} steps ended; {waits} needs you."
        working = [step for step, state in self.states.items() if state is StepState.WORKING]
        return f"{done} of {len(self.states)} steps ended; {', '.join(working) or 'nothing'} works."

    def _free(self, step: StepDecl) -> bool:
        return all(self.states[one] in ENDED for one in step.needs)

    def _turned_away(self) -> Iterator[tuple[StepDecl, Ended]]:
        if self.culprit:
            return
        for step in self.flow.steps.values():
            if self.states[step.id] is not StepState.WAITING or not self._free(step):
                continue
            if step.kind is Kind.PARALLEL:
                yield step, endings.of_group(step, self.known)
            elif (ended := endings.turned_away(step, self.states, self.known)) is not None:
                yield step, ended

    def _child(self, connection: Connection, step: str, child: int) -> Task | None:
        """Return a step's task once it has ended; note that it waits for a person while it does."""
        task = board.one(connection, child)
        if task.state in FINAL:
            return task
        if task.state is TaskState.AWAITING and task.approval_id is not None:
            self.asking[step] = task.approval_id
        return None

    def _follow(self, connection: Connection, clock: Clock, step: StepDecl, child: int) -> bool:
        if (task := self._child(connection, step.id, child)) is None:
            return False
        if self.tries[step.id] < TRIES and _void(connection, task):
            self.tries[step.id] += 1
            self.children[step.id] = None
            rows.child(connection, self.task_id, step.id, None, self.tries[step.id])
            return True
        outputs = _outputs(connection, child) if step.kind is Kind.WORKFLOW else {}
        self._end(connection, clock, step, endings.of_task(task, outputs))
        return True

    def _end(self, connection: Connection, clock: Clock, step: StepDecl, ended: Ended) -> None:
        rows.end(connection, clock, self.task_id, step.id, ended)
        self.states[step.id] = ended.state
        self.known["steps"][step.id] = ended.whole()


def _void(connection: Connection, task: Task) -> bool:
    """Whether nothing ran and nobody said no: the approval was given and not used before a restart (R1.7)."""
    if task.state is not TaskState.STOPPED or task.approval_id is None:
        return False
    found = connection.execute(select(approval.c.state).where(approval.c.id == task.approval_id)).scalar()
    return found == ApprovalState.STALE


def _outputs(connection: Connection, child: int) -> dict[str, Any]:
    text = connection.execute(select(flow_run.c.outputs).where(flow_run.c.task_id == child)).scalar()
    found: dict[str, Any] = json.loads(text or "{}")
    return found
