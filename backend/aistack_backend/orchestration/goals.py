"""Goals in words: opened as a task, planned in the background, and planned again after a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from sqlalchemy import RowMapping

from aistack_backend import tracing
from aistack_backend.approvals.policy import Effect, Rule
from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BackendError, BadInput
from aistack_backend.orchestration import board
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.models import Proposal
from aistack_backend.orchestration.news import News
from aistack_backend.orchestration.port import Asker
from aistack_backend.orchestration.readings import Reading
from aistack_backend.store import task_traces
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import GoalRequest
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)

LONGEST = 4_000
"""Characters of a goal."""
ANSWER = 16 * 1024
"""Characters of an answer that are kept."""
Submit = Callable[[int, Proposal, str, str], None]
"""Brings a proposal before the gate: the task, the proposal, who asks, and the way that the goal came. Blocks."""
AGENT, ASKING = "agent:planner", "agent:planner:ask"
"""Who proposes; the second one is never let through unasked, because the request wanted a person to decide."""
ALWAYS_ASK = Rule(effect=Effect.ASK, kind="*", requester=ASKING, why="the request asked for a person's approval")
"""The rule that the wiring adopts for ``ASKING``."""
_ASK = " and ask"
"""Stands behind the planner of a task that is being planned, so that a restart still knows."""


class Goals:
    """Turns words into a proposal before the gate, or into an answer when they only ask for reading.

    ``submit`` and ``start`` belong to one event loop.
    """

    def __init__(
        self,
        database: Database,
        audit: Journal,
        agent: Agent,
        clock: Clock,
        news: News,
        submit: Submit,
        readings: Sequence[Reading] = (),
    ) -> None:
        self._database = database
        self._audit = audit
        self._agent = agent
        self._clock = clock
        self._news = news
        self._submit = submit
        self._readings = readings
        self._planning: set[asyncio.Task[None]] = set()

    async def submit(self, request: GoalRequest, asker: Asker) -> int:
        """Open the task and begin to plan; return its id (with planner ``rules``: when it is planned).

        Raises:
            BadInput: the goal is too long.
            Unavailable: the database cannot be written.
        """
        if len(request.text) > LONGEST:
            raise BadInput(f"The goal is {len(request.text)} characters long, and {LONGEST} are allowed.")
        with tracing.span("task.submit", planner=request.planner):
            task_id = await asyncio.to_thread(self._open, request, asker)
        planning = self._spawn(task_id, request.text, _noted(request), asker.via)
        if request.planner == "rules":
            await asyncio.shield(planning)
        return task_id

    async def start(self) -> None:
        """Plan again what was being planned when the backend died."""
        for row in await asyncio.to_thread(self._unplanned):
            self._spawn(row["id"], row["goal"], row["planner"] or "auto", row["via"])

    async def close(self) -> None:
        """Let go of what is being planned: the next start plans it again."""
        for planning in tuple(self._planning):
            planning.cancel()
        await asyncio.gather(*self._planning, return_exceptions=True)

    def _open(self, request: GoalRequest, asker: Asker) -> int:
        with self._database.tx() as connection:
            task_id = board.create(
                connection,
                self._clock,
                goal=request.text,
                requester=asker.actor,
                via=asker.via,
                state=TaskState.PLANNING,
                planner=_noted(request),
            )
            self._audit.append(
                connection,
                phase=Phase.NOTE,
                actor=asker.actor,
                via=asker.via,
                kind="task.goal",
                object=request.text,
                task_id=task_id,
            )
        self._audit.seal()
        self._news.publish()
        return task_id

    def _unplanned(self) -> Sequence[RowMapping]:
        with self._database.read() as connection:
            return board.planning(connection)

    def _spawn(self, task_id: int, goal: str, planner: str, via: str) -> asyncio.Task[None]:
        planning = asyncio.create_task(self._plan(task_id, goal, planner, via))
        self._planning.add(planning)
        planning.add_done_callback(self._planning.discard)
        return planning

    async def _plan(self, task_id: int, goal: str, noted: str, via: str) -> None:
        context = await asyncio.to_thread(task_traces.look, self._database, task_id)
        await tracing.within(context, self._plan_within(task_id, goal, noted, via))

    async def _plan_within(self, task_id: int, goal: str, noted: str, via: str) -> None:
        planner, requester = noted.removesuffix(_ASK), ASKING if noted.endswith(_ASK) else AGENT
        try:
            if planner != "model" and (reading := next((one for one in self._readings if one.fits(goal)), None)):
                text = await reading.answer(goal)
                await asyncio.to_thread(self._end, task_id, TaskState.DONE, "It was read; nothing ran.", text)
                return
            with tracing.step("task.plan", planner=planner) as made:
                proposal = await self._agent.propose(goal, planner)
                made.set_attribute("planned by", proposal.planner)
            await asyncio.to_thread(self._submit, task_id, proposal, requester, via)
        except BackendError as error:
            await asyncio.to_thread(self._end, task_id, TaskState.FAILED, f"{error.detail} {error.hint}".strip())
        except Exception as error:
            log.exception("planning task %s broke", task_id)
            broke = f"Planning broke: {type(error).__name__}: {error}"
            await asyncio.to_thread(self._end, task_id, TaskState.FAILED, broke)

    def _end(self, task_id: int, state: TaskState, reason: str, result: str | None = None) -> None:
        with self._database.tx() as connection:
            taskrow.move(connection, self._clock, task_id, state, reason, result and result[:ANSWER])
        self._news.publish()


def _noted(request: GoalRequest) -> str:
    return request.planner + (_ASK if request.require_approval else "")
