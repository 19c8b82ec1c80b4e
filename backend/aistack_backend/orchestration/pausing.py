"""A person pauses a task that can be, and resumes it: no slot is held meanwhile, and nothing done is repeated."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from aistack_backend.approvals.port import Person
from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.engine.marks import Marks, Open
from aistack_backend.engine.port import Journal
from aistack_backend.errors import Conflict, Refused
from aistack_backend.orchestration.port import Halt
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import TaskState


class Pausing:
    """Both verbs; they block on SQL."""

    def __init__(
        self, database: Database, audit: Journal, engine: Halt, clock: Clock, changed: Callable[[], None]
    ) -> None:
        """``changed`` is called after each change."""
        self._database = database
        self._audit = audit
        self._engine = engine
        self._clock = clock
        self._marks = Marks(clock)
        self._changed = changed

    def pause(self, task_id: int, person: Person) -> None:
        """Ask the engine to stop a running task in between. The task is PAUSED once the engine has confirmed it.

        Raises:
            NotFound: there is no such task.
            Conflict: nothing of it runs. Refused: what runs cannot pause.
            Unavailable: the audit or the database cannot be written.
        """
        why = f"Paused by {person.actor}."
        with self._database.tx() as connection:
            state = TaskState(taskrow.read(connection, task_id)["state"])
            left = self._marks.open(connection, task_id)
            if state is not TaskState.RUNNING or left is None:
                raise Conflict(f"Task {task_id} is {state}; only one that runs can be paused.")
            if not self._engine.pausable(left.kind):
                raise Refused(f"A {left.kind} cannot stop in between.", "Stop it for good, or let it end.")
            self._marks.ask_pause(connection, left.key, why)
            taskrow.move(connection, self._clock, task_id, state, f"Being paused by {person.actor}.")
            self._write(connection, task_id, person, "pause", left)
        try:
            self._audit.seal()
        finally:  # it is asked for and recorded: a witness that lags behind keeps nothing running
            self._engine.pause(task_id, why)
        self._changed()

    def resume(self, task_id: int, person: Person) -> None:
        """Take a paused task up again, where it was.

        Raises:
            NotFound: there is no such task.
            Conflict: it is not paused.
            Unavailable: the audit or the database cannot be written: it stays paused.
        """
        with self._database.tx() as connection:
            state = TaskState(taskrow.read(connection, task_id)["state"])
            left = self._marks.open(connection, task_id)
            if state is not TaskState.PAUSED or left is None:
                raise Conflict(f"Task {task_id} is {state}; only a paused one can be resumed.")
            self._engine.resume(connection, task_id, left)
            taskrow.move(connection, self._clock, task_id, TaskState.QUEUED, f"Resumed by {person.actor}.")
            self._write(connection, task_id, person, "resume", left)
        self._audit.seal()
        self._changed()

    def _write(self, connection: Connection, task_id: int, person: Person, what: str, left: Open) -> None:
        self._audit.append(
            connection,
            phase=Phase.DECISION,
            actor=person.actor,
            via=person.via,
            kind=f"task.{what}",
            object=f"task {task_id}",
            task_id=task_id,
            approval_id=left.approval_id,
            decision=what,
            detail={"effect": left.key},
        )
