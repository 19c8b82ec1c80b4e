"""The task service: what people and agents ask, followed to its end. Asking runs nothing; the gate decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from aistack_backend import tracing
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.port import Person
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.engine.ledger import Ledger
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BackendError, Conflict, Refused, Unavailable
from aistack_backend.orchestration import board, tree, waits
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.goals import Goals
from aistack_backend.orchestration.models import Proposal
from aistack_backend.orchestration.news import News
from aistack_backend.orchestration.pausing import Pausing
from aistack_backend.orchestration.port import Asker, Desk, Halt, Prepare
from aistack_backend.orchestration.readings import Reading
from aistack_backend.orchestration.tree import Under
from aistack_backend.store.database import Database, after
from aistack_backend.wire.actions import ActionRequest, Approval, ApprovalState, DecideRequest, GoalRequest, Verdict
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import Task, TaskList, TaskState

log = logging.getLogger(__name__)


class Tasks:
    """Submits, follows, lists and stops tasks. Every method but ``submit_goal`` and ``start`` blocks on SQL or
    Podman: call them from a thread. TASKS and ACTIVITY are published after each change."""

    def __init__(
        self,
        database: Database,
        approvals: Desk,
        audit: Journal,
        engine: Halt,
        preparer: Prepare,
        agent: Agent,
        clock: Clock,
        bus: Bus,
        readings: Sequence[Reading] = (),
    ) -> None:
        """Wire it up; the caller adds ``follow`` to ``Approvals.watchers`` and ``changed`` to ``Engine.on_done``."""
        self._database = database
        self._approvals = approvals
        self._audit = audit
        self._engine = engine
        self._preparer = preparer
        self._clock = clock
        self._ledger = Ledger(clock)
        self._news = News(database, clock, bus)
        self._goals = Goals(database, audit, agent, clock, self._news, self._submit_proposal, readings)
        self.pausing = Pausing(database, audit, engine, clock, self._news.publish)
        """Pauses and resumes a task."""

    def preview(self, request: ActionRequest, person: Person) -> Approval:
        """Return what ``submit_action`` would ask, with id 0: its ``action_hash`` is what to confirm.

        Raises:
            NotFound, BadInput, Unavailable: the action cannot be prepared; one sentence.
        """
        action, evidence = self._prepare(request, person.actor)
        return self._approvals.preview(action, evidence)

    def submit_action(
        self,
        request: ActionRequest,
        requester: str,
        via: str,
        person: Person | None = None,
        agent_says: str = "",
        planner: str = "",
        under: Under | None = None,
    ) -> Task:
        """Ask for one exact action. With ``confirmed_hash`` a person asks and decides in one go. A node that has
        its task already (``under``) gets that one back, and nothing is asked again. A decision that the gate does
        not take (wrong code, cooling off) leaves the request in the queue, and the task's reason says why.

        Raises:
            NotFound, BadInput, Unavailable: the action cannot be prepared or recorded; nothing was asked.
            Refused: ``confirmed_hash`` without a person.
            Conflict: what would run is no longer what was confirmed, or the task above has ended; nothing was asked.
        """
        with tracing.span("task.submit", kind=request.kind):
            action, evidence = self._confirmed(request, requester, via, person, agent_says or request.reason)
            with self._database.tx() as connection:
                if there := tree.taken(connection, under):
                    return board.one(connection, there)
                task_id = board.create(
                    connection,
                    self._clock,
                    goal=request.reason or evidence.title,
                    requester=requester,
                    via=via,
                    state=TaskState.SUBMITTED,
                    planner=planner,
                )
                tree.link(connection, task_id, under)
                asked = self._ask(connection, task_id, action, evidence, via)
            self._audit.seal()
            if person is not None and request.confirmed_hash and asked.state is ApprovalState.PENDING:
                self._confirm(asked, request, person)
            self._news.publish()
            return self.get(task_id)

    async def submit_goal(self, request: GoalRequest, asker: Asker) -> Task:
        """Ask in words. Returns at once with the task PLANNING (with planner ``rules``: planned); the proposal
        lands in the approvals, or the task fails with one sentence. A question that a reading answers ends with
        its answer, and nothing is asked of anybody.

        Raises:
            BadInput: the goal is too long.
            Unavailable: the database cannot be written.
        """
        return await asyncio.to_thread(self.get, await self._goals.submit(request, asker))

    async def start(self) -> None:
        """Plan again what was being planned when the backend died; publish the list."""
        await self._goals.start()
        await asyncio.to_thread(self._news.publish)

    async def close(self) -> None:
        """Let go of what is being planned: the next start plans it again."""
        await self._goals.close()

    def list(self) -> TaskList:
        """Return the newest tasks, newest first."""
        with self._database.read() as connection:
            return board.newest(connection)

    def get(self, task_id: int) -> Task:
        """Return one task.

        Raises:
            NotFound: there is no such task.
        """
        with self._database.read() as connection:
            return board.one(connection, task_id)

    def counts(self) -> dict[TaskState, int]:
        """Return how many tasks there are of each state that occurs."""
        with self._database.read() as connection:
            return board.counts(connection)

    def stop(self, task_id: int, person: Person) -> Task:
        """Stop a task: from now on the gate gives nothing out for it, what it runs is stopped, and what it started.

        Returns RUNNING with a reason while the running effect is being stopped.

        Raises:
            NotFound: there is no such task.
            Conflict: it has ended already.
            Unavailable: the audit or the database cannot be written.
        """
        why = f"Stopped by {person.actor}."
        with self._database.tx() as connection:
            state = TaskState(taskrow.read(connection, task_id)["state"])
            if state in taskrow.FINAL:
                raise Conflict(f"Task {task_id} is {state} already.")
            paused = state is TaskState.PAUSED
            acting = not paused and self._ledger.ask_stop(connection, task_id, why)
            if paused:
                self._ledger.give_up(connection, task_id, why)
            target = TaskState.RUNNING if acting else TaskState.STOPPED
            taskrow.move(
                connection, self._clock, task_id, target, f"Being stopped by {person.actor}." if acting else why
            )
            self._note_stop(connection, task_id, person)
        try:
            self._audit.seal()
        finally:
            if acting:  # it is asked for and recorded: a witness that lags behind keeps nothing running
                self._engine.cancel(task_id, why)
        if not acting:
            self._withdraw(task_id, person)
        self._stop_below(task_id, person)
        self._news.publish()
        return self.get(task_id)

    def _note_stop(self, connection: Connection, task_id: int, person: Person) -> None:
        self._audit.append(
            connection,
            phase=Phase.DECISION,
            actor=person.actor,
            via=person.via,
            kind="task.stop",
            object=f"task {task_id}",
            task_id=task_id,
            decision="stop",
        )

    def stop_all(self, person: Person) -> TaskList:
        """Stop every task that has not ended, the newest first; return the list as it then stands.

        Raises:
            Unavailable: the audit or the database cannot be written; what was stopped until then stays so.
        """
        with self._database.read() as connection:
            open_ones = board.unfinished(connection)
        for task_id in open_ones:
            try:
                self.stop(task_id, person)
            except Conflict as error:
                log.info("task %s needs no stop: %s", task_id, error.detail)
        return self.list()

    def follow(self, connection: Connection, changed: Approval) -> None:
        """Let a task follow its approval, in the transaction that changes it (an ``Approvals`` watcher)."""
        if changed.state is not ApprovalState.PENDING:
            board.follow(connection, self._clock, changed)
            waits.told(connection, changed)
        after(connection, self._news.publish)

    def changed(self, task_id: int) -> None:
        """Publish after the engine changed a task (an ``Engine.on_done`` callback)."""
        self._news.publish()

    def _prepare(self, request: ActionRequest, requester: str, task_id: int = 0) -> tuple[Action, Evidence]:
        return self._preparer.prepare(
            request.kind, request.target, script=request.script, requester=requester, task_id=task_id
        )

    def _confirmed(
        self, request: ActionRequest, requester: str, via: str, person: Person | None, agent_says: str
    ) -> tuple[Action, Evidence]:
        """Prepare the action and hold it against what a person has confirmed, if anything."""
        if request.confirmed_hash and person is None:
            raise self._refused(request, requester, via, Refused("Only a person can confirm an action."))
        action, evidence = self._prepare(request, requester)
        if request.confirmed_hash and request.confirmed_hash != action.hash():
            changed = f"What would run now is no longer what you confirmed ({evidence.title})."
            raise self._refused(request, requester, via, Conflict(changed, "Look at it again."))
        return action, replace(evidence, agent_says=agent_says)

    def _refused(self, request: ActionRequest, requester: str, via: str, error: BackendError) -> BackendError:
        """Record a refused attempt (R2.1) and return its error."""
        with self._database.tx() as connection:
            self._audit.append(
                connection,
                phase=Phase.NOTE,
                actor=requester,
                via=via,
                kind=request.kind,
                object=request.target,
                action_hash=request.confirmed_hash,
                outcome=f"refused: {error.detail}",
            )
        self._audit.seal()
        return error

    def _ask(
        self, connection: Connection, task_id: int, action: Action, evidence: Evidence, via: str, note: str = ""
    ) -> Approval:
        asked = self._approvals.request(connection, action, evidence, task_id=task_id, via=via)
        board.follow(connection, self._clock, asked, note)
        return asked

    def _confirm(self, asked: Approval, request: ActionRequest, person: Person) -> None:
        answer = DecideRequest(
            verdict=Verdict.APPROVE,
            action_hash=request.confirmed_hash,
            reason="confirmed when asked",
            code=request.code,
            typed_name=request.typed_name,
        )
        try:
            self._approvals.decide(asked.id, answer, person)
        except Unavailable:
            raise
        except BackendError as error:
            with self._database.tx() as connection:
                note = f"Not decided yet: {error.detail} It waits in Approvals as {asked.id}."
                taskrow.move(connection, self._clock, asked.task_id, TaskState.AWAITING, note)

    def _stop_below(self, task_id: int, person: Person) -> None:
        with self._database.read() as connection:
            below = tree.unfinished(connection, task_id)
        for child in below:
            try:
                self.stop(child, person)
            except Conflict as error:
                log.info("task %s below %s ended by itself: %s", child, task_id, error.detail)

    def _withdraw(self, task_id: int, person: Person) -> None:
        task = self.get(task_id)
        if task.approval_id is None:
            return
        denial = DecideRequest(
            verdict=Verdict.DENY, action_hash=self._hash(task.approval_id), reason="the task was stopped"
        )
        try:
            self._approvals.decide(task.approval_id, denial, person)
        except BackendError as error:
            log.info("approval %s of the stopped task %s stays as it is: %s", task.approval_id, task_id, error.detail)

    def _hash(self, approval_id: int) -> str:
        with self._database.read() as connection:
            return board.action_hash(connection, approval_id)

    def _submit_proposal(self, task_id: int, proposal: Proposal, requester: str, via: str) -> None:
        wish = ActionRequest(kind=proposal.kind, target=proposal.target, script=proposal.script)
        action, evidence = self._prepare(wish, requester, task_id)
        with self._database.tx() as connection:
            if taskrow.read(connection, task_id)["state"] != TaskState.PLANNING:
                return  # stopped meanwhile
            board.set_planner(connection, task_id, proposal.planner)
            self._ask(connection, task_id, action, replace(evidence, agent_says=proposal.says), via, proposal.note)
        self._audit.seal()
        self._news.publish()
