"""The workflows as a person meets them: listed, checked, run, looked at, run again from a step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from aistack_backend import tracing
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BadInput, Conflict
from aistack_backend.orchestration import board, tree
from aistack_backend.orchestration.flows import engines, inputs, rows, shown
from aistack_backend.orchestration.flows.drive import Drive, Means, Place
from aistack_backend.orchestration.flows.facts import Facts
from aistack_backend.orchestration.flows.functions import text_of
from aistack_backend.orchestration.flows.library import Library
from aistack_backend.orchestration.flows.models import StepDecl
from aistack_backend.orchestration.flows.rows import Asked
from aistack_backend.orchestration.flows.work import Worker
from aistack_backend.orchestration.port import Asker
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.orchestration.tree import Under
from aistack_backend.store import task_traces
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.events import Topic
from aistack_backend.wire.flows import (
    FlowCheck,
    FlowRequest,
    FlowRun,
    FlowRunList,
    FlowVerdict,
    Workflow,
    WorkflowList,
)
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)
DEEPEST = 4
"""Workflows that call one another."""


class Flows:
    """``start``, ``close``, ``submit`` and ``rerun`` belong to one event loop; the rest blocks."""

    def __init__(
        self, database: Database, clock: Clock, bus: Bus, audit: Journal, tasks: Tasks, library: Library, facts: Facts
    ) -> None:
        self.library = library
        self._database = database
        self._clock = clock
        self._bus = bus
        self._audit = audit
        self._tasks = tasks
        self._questions = facts.questions
        self._means = Means(database=database, clock=clock, audit=audit, read=library.again, changed=tasks.changed)
        self._worker = Worker(tasks, facts.questions, facts, self._call)
        self._drives: dict[int, tuple[Drive, asyncio.Task[None]]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up every run that is not over."""
        self._watch = asyncio.create_task(self._watching())
        for task_id in await asyncio.to_thread(self._unfinished):
            self._spawn(task_id)

    async def close(self) -> None:
        """Let go of the runs: the next start takes them up again."""
        running = [task for _, task in self._drives.values()] + ([self._watch] if self._watch else [])
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def list(self) -> WorkflowList:
        """Return every workflow, with faults where a file has them, and every engine with where it stands."""
        return WorkflowList(
            workflows=tuple(shown.workflow(one) for one in self.library.all()),
            engines=tuple(shown.engine(one) for one in self._questions.engines.values()),
            folder=str(self.library.custom),
        )

    def detail(self, name: str) -> Workflow:
        """Return one workflow with its text.

        Raises:
            NotFound: there is none of that name.
        """
        return shown.workflow(self.library.get(name), whole=True)

    def check(self, request: FlowCheck) -> FlowVerdict:
        """Return every fault of a file's text."""
        found = self.library.check(request.name, request.text, request.file or request.name)
        return FlowVerdict(faults=tuple(shown.fault(one) for one in found.faults))

    async def submit(self, request: FlowRequest, asker: Asker) -> FlowRun:
        """Begin a run and return it; nothing with an effect runs before the gate lets it.

        Raises:
            NotFound: there is no such workflow. BadInput: its file, an input or an engine is wrong.
            Unavailable: the database or the audit cannot be written.
        """
        asked = await asyncio.to_thread(self._asked, request)
        task_id = await asyncio.to_thread(self._open, asked, asker.actor, asker.via, None, {})
        self._spawn(task_id)
        return await asyncio.to_thread(self.get, task_id)

    async def rerun(self, task_id: int, step: str, asker: Asker) -> FlowRun:
        """Begin a new run from a step of one that has ended: that step and all that needs it are done anew, what else
        was done keeps its result.

        Raises:
            NotFound: there is no such run. BadInput: it has no such step. Conflict: it has not ended.
        """
        asked, kept = await asyncio.to_thread(self._again, task_id, step)
        again = await asyncio.to_thread(self._open, asked, asker.actor, asker.via, None, kept)
        self._spawn(again)
        return await asyncio.to_thread(self.get, again)

    def runs(self) -> FlowRunList:
        """Return the newest runs, newest first, without what came of their steps."""
        with self._database.read() as connection:
            return FlowRunList(runs=tuple(self._shown(connection, row, whole=False) for row in rows.newest(connection)))

    def get(self, task_id: int) -> FlowRun:
        """Return one run.

        Raises:
            NotFound: there is none of that number.
        """
        with self._database.read() as connection:
            return self._shown(connection, rows.run(connection, task_id), whole=True)

    def _shown(self, connection: Connection, row: RowMapping, *, whole: bool) -> FlowRun:
        steps = rows.steps(connection, row["task_id"])
        children = {
            step: board.one(connection, one["child_id"]) for step, one in steps.items() if one["child_id"] is not None
        }
        flow = self.library.held(row["workflow"], row["source"])
        return shown.run(flow, row, board.one(connection, row["task_id"]), steps, children, whole=whole)

    def _asked(self, request: FlowRequest) -> Asked:
        flow, text = self.library.usable(request.workflow)
        engines.known(request.engines, self._questions.engines)
        values = inputs.given(flow, request.inputs)
        return Asked(flow=flow, source=text, inputs=values, engines=tuple(request.engines))

    def _open(self, asked: Asked, actor: str, via: str, under: Under | None, kept: Mapping[str, RowMapping]) -> int:
        with tracing.span("task.submit", kind="workflow.run"), self._database.tx() as connection:
            if there := tree.taken(connection, under):
                return there
            task_id = board.create(
                connection,
                self._clock,
                goal=f"workflow {asked.flow.name}",
                requester=actor,
                via=via,
                state=TaskState.RUNNING,
            )
            tree.link(connection, task_id, under)
            rows.create(connection, task_id, asked, kept)
            self._audit.append(
                connection,
                phase=Phase.NOTE,
                actor=actor,
                via=via,
                kind="workflow.run",
                object=asked.flow.name,
                task_id=task_id,
                detail={"inputs": {name: text_of(one) for name, one in asked.inputs.items()}},
            )
        self._audit.seal()
        self._tasks.changed(task_id)
        return task_id

    def _again(self, task_id: int, step: str) -> tuple[Asked, dict[str, RowMapping]]:
        with self._database.read() as connection:
            row, steps = rows.run(connection, task_id), rows.steps(connection, task_id)
            state = TaskState(taskrow.read(connection, task_id)["state"])
        if state not in taskrow.FINAL:
            raise Conflict(f"Run {task_id} is {state.value}; only one that has ended can be run again.")
        flow = self.library.again(row["workflow"], row["source"])
        if step not in flow.steps:
            raise BadInput(f"Run {task_id} has no step {step!r}.", f"Its steps: {', '.join(flow.steps)}.")
        anew = flow.below(step)
        kept = {one: each for one, each in steps.items() if one not in anew and each["state"] in ("done", "skipped")}
        return rows.asked_again(flow, row, task_id, step), kept

    async def _call(self, step: StepDecl, place: Place, values: Mapping[str, Any], under: Under) -> int:
        if place.depth >= DEEPEST:
            raise BadInput(f"Workflows call one another {DEEPEST + 1} deep here; {DEEPEST} are allowed.")
        request = FlowRequest(workflow=step.what.fixed or "", inputs=dict(values), engines=place.engines)
        asked = rows.deeper(await asyncio.to_thread(self._asked, request), place.depth + 1)
        task_id = await asyncio.to_thread(self._open, asked, place.requester, place.via, under, {})
        self._spawn(task_id)
        return task_id

    def _unfinished(self) -> tuple[int, ...]:
        with self._database.read() as connection:
            return tuple(rows.unfinished(connection))

    def _spawn(self, task_id: int) -> None:
        if task_id in self._drives:
            return
        drive = Drive(self._means, self._worker, task_id)
        running = asyncio.create_task(self._go(drive))
        self._drives[task_id] = (drive, running)
        running.add_done_callback(lambda _: self._drives.pop(task_id, None))

    async def _go(self, drive: Drive) -> None:
        context = await asyncio.to_thread(task_traces.look, self._database, drive.task_id)
        await tracing.within(context, drive.go())

    async def _watching(self) -> None:
        """Have every run look again when any task has changed."""
        async for event in self._bus.read():
            if event.topic in (Topic.RESET, Topic.TASKS):
                for drive, _ in tuple(self._drives.values()):
                    drive.poke()
