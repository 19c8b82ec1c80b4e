"""One life of one run: it looks what has ended, begins what may begin, and writes all of it down before it goes on.

Nothing of a run is kept in memory alone. Another life, after a kill or a restart, reads the rows and does the same.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, RowMapping

from aistack_backend import tracing
from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.orchestration import board
from aistack_backend.orchestration.flows import endings, rows
from aistack_backend.orchestration.flows.models import FlowDecl, StepDecl
from aistack_backend.orchestration.flows.progress import State
from aistack_backend.orchestration.flows.rows import ENDED, Ended
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.flows import StepState
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)
AGAIN = 5.0
"""Seconds until a run goes on whose rows could not be read or written."""
RESULT = 16 * 1024
"""Characters of a run's result that are kept with its task; its outputs are kept whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a step is done: in which run, with which results so far."""

    task_id: int
    flow: FlowDecl
    engines: tuple[str, ...]
    known: Mapping[str, Any]
    requester: str
    via: str
    depth: int
    tries: int


class Works(Protocol):
    """Does single steps; see ``work.Worker``."""

    async def do(self, step: StepDecl, place: Place) -> Ended | int:
        """Return how it ended, or the number of the task that does it. May be called again for the same step."""
        ...


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run works with."""

    database: Database
    clock: Clock
    audit: Journal
    read: Callable[[str, str], FlowDecl]
    """A run's workflow, by name and text."""
    changed: Callable[[int], None]
    """Called after each change that a person should see."""


@dataclass(slots=True)
class Look:
    """What one look at the rows found."""

    begin: list[tuple[StepDecl, Place]] = field(default_factory=list)
    over: bool = False


class Drive:
    """``go`` belongs to one event loop; the rest of it blocks in threads."""

    def __init__(self, means: Means, worker: Works, task_id: int) -> None:
        self.task_id = task_id
        self._means = means
        self._worker = worker
        self._poke = asyncio.Event()
        self._jobs: dict[str, asyncio.Task[None]] = {}

    def poke(self) -> None:
        """Have it look again: something may have ended."""
        self._poke.set()

    async def go(self) -> None:
        """Go on until the run is over. Cancelling leaves it to the next life."""
        try:
            while not (look := await self._look()).over:
                for step, place in look.begin:
                    self._jobs[step.id] = asyncio.create_task(self._do(step, place))
                await self._poke.wait()
        finally:
            jobs = tuple(self._jobs.values())
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _look(self) -> Look:
        while True:
            self._poke.clear()
            try:
                return await asyncio.to_thread(self._settle, frozenset(self._jobs))
            except Unavailable as error:
                log.warning("run %s waits: %s", self.task_id, error.detail)
                await asyncio.sleep(AGAIN)
            except BackendError as error:
                return await asyncio.to_thread(self._give_up, f"{error.detail} {error.hint}".strip())
            except Exception as error:
                log.exception("run %s broke", self.task_id)
                return await asyncio.to_thread(self._give_up, f"It broke: {type(error).__name__}: {error}.")

    def _settle(self, busy: Collection[str]) -> Look:
        """End what has ended, skip what is not wanted, find what may begin, or end the run."""
        means, look, moved = self._means, Look(), False
        with means.database.read() as connection:
            run = rows.run(connection, self.task_id)
            task, steps = board.one(connection, self.task_id), rows.steps(connection, self.task_id)
        flow = means.read(run["workflow"], run["source"])
        if task.state not in taskrow.FINAL:
            with means.database.read() as connection:
                if not State(flow, run, steps).stirs(connection, busy, task.reason):
                    return look
        with means.database.tx() as connection:
            row = taskrow.read(connection, self.task_id)
            steps = rows.steps(connection, self.task_id)
            if row["state"] in taskrow.FINAL:
                _close(connection, means.clock, self.task_id, steps, StepState.STOPPED, row["reason"])
                return Look(over=True)
            state = State(flow, run, steps)
            moved = state.take_in(connection, means.clock)
            for step in state.ready(busy):
                rows.begin(connection, means.clock, self.task_id, step.id)
                state.states[step.id] = StepState.WORKING
                look.begin.append((step, _place(state, run, row, state.tries[step.id])))
            if state.over:
                look.over = True
                self._end(connection, state, steps)
            elif (said := state.words()) != row["reason"]:
                moved = taskrow.move(connection, means.clock, self.task_id, TaskState.RUNNING, said)
        if look.over:
            means.audit.seal()
        if moved or look.over or look.begin:
            means.changed(self.task_id)
        return look

    def _end(self, connection: Connection, state: State, steps: Mapping[str, RowMapping]) -> None:
        """Write how the run ended, and that what had not begun never will."""
        means = self._means
        ended, reason, outputs = endings.of_run(state.flow, state.states, state.known)
        left = {step: row for step, row in steps.items() if state.states[step] not in ENDED}
        _close(connection, means.clock, self.task_id, left, StepState.SKIPPED, "The run ended before.")
        rows.outputs(connection, self.task_id, outputs)
        result = endings.told(outputs)[:RESULT]
        taskrow.move(connection, means.clock, self.task_id, ended, reason, result)
        means.audit.append(
            connection,
            phase=Phase.NOTE,
            actor="backend",
            kind="workflow.end",
            object=state.flow.name,
            task_id=self.task_id,
            outcome=f"{ended.value}: {reason}",
        )

    def _give_up(self, reason: str) -> Look:
        means = self._means
        with means.database.tx() as connection:
            steps = rows.steps(connection, self.task_id)
            _close(connection, means.clock, self.task_id, steps, StepState.SKIPPED, reason)
            taskrow.move(connection, means.clock, self.task_id, TaskState.FAILED, reason)
        means.changed(self.task_id)
        return Look(over=True)

    async def _do(self, step: StepDecl, place: Place) -> None:
        try:
            with tracing.step("flow.step", step=step.id, kind=step.kind.value):
                found: Ended | int = await self._worker.do(step, place)
        except BackendError as error:
            found = Ended(state=StepState.FAILED, result={}, why=f"{error.detail} {error.hint}".strip())
        except Exception as error:
            log.exception("step %s of run %s broke", step.id, self.task_id)
            found = Ended(state=StepState.FAILED, result={}, why=f"It broke: {type(error).__name__}: {error}.")
        await self._firmly(step, found, place.tries)
        self._jobs.pop(step.id, None)
        self.poke()

    async def _firmly(self, step: StepDecl, found: Ended | int, tries: int) -> None:
        """Write what came of a step, again and again while the database cannot take it."""
        for pause in itertools.chain((0.0,), itertools.repeat(AGAIN)):
            await asyncio.sleep(pause)
            try:
                await asyncio.to_thread(self._write, step, found, tries)
                break
            except Unavailable as error:
                log.warning("step %s of run %s waits to be written: %s", step.id, self.task_id, error.detail)

    def _write(self, step: StepDecl, found: Ended | int, tries: int) -> None:
        with self._means.database.tx() as connection:
            if isinstance(found, int):
                rows.child(connection, self.task_id, step.id, found, tries)
            else:
                rows.end(connection, self._means.clock, self.task_id, step.id, found)


def _close(
    connection: Connection, clock: Clock, task_id: int, steps: Mapping[str, RowMapping], state: StepState, why: str
) -> None:
    for step in steps:
        rows.end(connection, clock, task_id, step, Ended(state=state, result={}, why=why))


def _place(state: State, run: RowMapping, task: RowMapping, tries: int) -> Place:
    return Place(
        task_id=state.task_id,
        flow=state.flow,
        engines=tuple(json.loads(run["engines"])),
        known={"inputs": state.known["inputs"], "steps": dict(state.known["steps"])},
        requester=task["requester"],
        via=task["via"],
        depth=run["depth"],
        tries=tries,
    )
