"""The two transactions around every effect: what must be written before it acts, and after it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from opentelemetry.context import Context
from sqlalchemy import Connection, select

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import Action, hash_bytes, parse
from aistack_backend.audit.redact import shortened
from aistack_backend.clock import Clock
from aistack_backend.engine import taskrow
from aistack_backend.engine.endings import Ending
from aistack_backend.engine.ledger import LIMIT, EffectState, Entry, Ledger, effect_key
from aistack_backend.engine.marks import Marks
from aistack_backend.engine.port import Journal, Permits
from aistack_backend.engine.tools import Registry
from aistack_backend.errors import BackendError, BadInput, NotFound, Refused, Unavailable
from aistack_backend.store import task_traces
from aistack_backend.store.database import Database
from aistack_backend.store.tables import approval, event
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import TaskState

log = logging.getLogger(__name__)

RERUN_WITHIN = 300.0
"""Seconds after its begin, or its last mark, in which an interrupted effect may still run under its old approval."""
TOO_OLD = "It was interrupted too long ago to run under its old approval: ask again."


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: the use of one approval of one task."""

    task_id: int
    approval_id: int
    revision: int

    @property
    def key(self) -> str:
        """The key of its effect."""
        return effect_key(self.task_id, self.revision, self.approval_id)


class Verdict(StrEnum):
    """What may happen now."""

    GO = "go"
    """The approval is used up, the effect is begun, the intent is witnessed: act now."""
    UNWITNESSED = "unwitnessed"
    """As GO, but the intent is not on the witness's disk: it must not act, only end."""
    INTERRUPTED = "interrupted"
    """It began in an earlier life and did not end: find out first."""
    OVER = "over"
    """Nothing is left to do: refused, or ended before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The gate's answer; ``action`` is set for all verdicts but OVER, ``why`` for UNWITNESSED, and for an INTERRUPTED
    run that may not act again."""

    verdict: Verdict
    why: str = ""
    action: Action | None = None
    entry: Entry | None = None
    pausing: str = ""
    """Why an INTERRUPTED run is to pause before it goes on; empty = it is not."""


REFUSED = {
    ApprovalState.STALE: TaskState.STOPPED,
    ApprovalState.SUPERSEDED: TaskState.STOPPED,
    ApprovalState.DENIED: TaskState.DENIED,
    ApprovalState.EXPIRED: TaskState.DENIED,
}
"""What becomes of a task whose approval gives nothing out; in any other state of it the task failed."""


class Fenced(Exception):
    """This process no longer owns its name: a peer may be at what it works on, so it may neither act nor write."""


class Gate:
    """Begins and ends effects; nothing acts without a GO from here."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        permits: Permits,
        journal: Journal,
        clock: Clock,
        ledger: Ledger,
        stands: Callable[[Connection], bool] = lambda _: True,
        actor: Callable[[], str] = lambda: "backend",
    ) -> None:
        """``stands`` says in each transaction whether this process still owns its name. Every method but ``recheck``
        raises ``Fenced`` when it does not, and nothing is written. ``actor`` is who the audit says did it."""
        self._stands, self._actor = stands, actor
        self._database = database
        self._registry = registry
        self._permits = permits
        self._journal = journal
        self._clock = clock
        self._ledger = ledger
        self._marks = Marks(clock)

    def begin(self, run: Run) -> Start:
        """Use up the approval, write the effect and the intent in one transaction, then witness it.

        Raises:
            Unavailable: the database or the audit cannot be written: ``abandon`` it.
        """
        doubt = self._look_before(run)
        try:
            with self._tx() as connection:
                start = self._begin(connection, run, doubt)
        except (Refused, NotFound) as error:  # rolled back; the gate below records why on its own
            self._refuse(run, error)
            return Start(verdict=Verdict.OVER)
        if start.verdict is Verdict.GO:
            try:
                self._journal.seal()
            except Unavailable as error:
                return replace(start, verdict=Verdict.UNWITNESSED, why=error.detail)
        return start

    def abandon(self, run: Run, why: str) -> Start:
        """After ``begin`` raised: fail the task of a run that never began, else say what to do with what did begin.

        Raises:
            Unavailable: the database or the audit still cannot be written.
        """
        with self._tx() as connection:
            if entry := self._ledger.find(connection, run.key):
                return self._resume(connection, entry)
            self._write(connection, run, None, Phase.OUTCOME, outcome="refused", reason=why)
            taskrow.move(connection, self._clock, run.task_id, TaskState.FAILED, why)
        self._journal.seal()
        return Start(verdict=Verdict.OVER)

    def end(self, run: Run, action: Action | None, ending: Ending) -> None:
        """Write effect, outcome and task in one transaction, then witness it.

        A run that never got as far as an effect only ends its task. A witness that cannot be written lags
        behind until the next seal: what happened has happened.

        Raises:
            Conflict: the effect has ended already.
            Unavailable: nothing was written.
        """
        with self._tx() as connection:
            state = TaskState(taskrow.read(connection, run.task_id)["state"])
            if self._ledger.find(connection, run.key) is None:
                if state in taskrow.FINAL:
                    return
            else:
                self._ledger.end(connection, run.key, ending.effect, ending.result or ending.reason)
            self._write(connection, run, action, Phase.OUTCOME, outcome=ending.effect, reason=ending.reason)
            taskrow.move(connection, self._clock, run.task_id, ending.task, ending.reason, ending.result[:LIMIT])
        try:
            self._journal.seal()
        except Unavailable as error:
            log.error("the audit witness lags behind effect %s: %s", run.key, error.detail)

    def trace(self, run: Run) -> Context | None:
        """Return the context that spans of this run belong in; None = nobody traces its task."""
        return task_traces.look(self._database, run.task_id)

    def going_on(self, run: Run) -> None:
        """Mark that the effect still goes on, so that it may run on after a crash from here.

        Raises:
            Unavailable: it cannot be written.
        """
        with self._tx() as connection:
            self._marks.going_on(connection, run.key)

    def pause(self, run: Run, action: Action, why: str) -> None:
        """Write that it has stopped in between: the task is PAUSED, the effect stays begun.

        Raises:
            Unavailable: nothing was written.
        """
        with self._tx() as connection:
            self._write(connection, run, action, Phase.NOTE, outcome="paused", reason=why)
            taskrow.move(connection, self._clock, run.task_id, TaskState.PAUSED, why)
        try:
            self._journal.seal()
        except Unavailable as error:
            log.error("the audit witness lags behind the pause of %s: %s", run.key, error.detail)

    def note(self, run: Run, action: Action, reason: str) -> None:
        """Write a fact about an interrupted effect to the audit, before acting on it.

        Raises:
            Unavailable: it cannot be witnessed: nothing may run.
        """
        with self._tx() as connection:
            self._write(connection, run, action, Phase.NOTE, reason=reason)
        self._journal.seal()

    def recheck(self, action: Action) -> str:
        """Return "" when the action may run as it stands, else one sentence why not."""
        tool = self._registry.tool(action.kind)
        if tool is None:
            return f"No tool here runs the action kind {action.kind!r}."
        try:
            return tool.recheck(action)
        except Exception as error:  # whatever broke: what cannot be checked does not run
            log.warning("the recheck of %s failed: %s", action.kind, error)
            return f"What it needs could not be checked again: {error}"

    @contextmanager
    def _tx(self) -> Iterator[Connection]:
        with self._database.tx() as connection:
            if not self._stands(connection):
                raise Fenced
            yield connection

    def _look_before(self, run: Run) -> str:
        """Recheck once with no transaction open: a target that hangs must not hold the database's write lock."""
        with self._database.read() as connection:
            action = None if self._ledger.find(connection, run.key) else _approved(connection, run.approval_id)
        return self.recheck(action) if action else ""

    def _begin(self, connection: Connection, run: Run, doubt: str) -> Start:
        row = taskrow.read(connection, run.task_id)
        if entry := self._ledger.find(connection, run.key):
            return self._resume(connection, entry)
        if TaskState(row["state"]) in taskrow.FINAL:
            return Start(verdict=Verdict.OVER)
        recheck = (lambda _: doubt) if doubt else self.recheck
        action = self._permits.begin(connection, run.approval_id, recheck)
        self._ledger.begin(connection, run.key, task_id=run.task_id, approval_id=run.approval_id, kind=action.kind)
        self._write(connection, run, action, Phase.INTENT)
        taskrow.move(connection, self._clock, run.task_id, TaskState.RUNNING)
        return Start(verdict=Verdict.GO, action=action, entry=self._ledger.find(connection, run.key))

    def _refuse(self, run: Run, error: BackendError) -> None:
        query = select(approval.c.state).where(approval.c.id == run.approval_id)
        with self._tx() as connection:
            stands = ApprovalState(connection.execute(query).scalar() or "")
            state = REFUSED.get(stands, TaskState.FAILED)
            taskrow.move(connection, self._clock, run.task_id, state, f"It did not run. {error.detail}")

    def _resume(self, connection: Connection, entry: Entry) -> Start:
        if entry.state is not EffectState.BEGUN:
            return Start(verdict=Verdict.OVER, entry=entry)
        action = _approved(connection, entry.approval_id)
        if action is not None and not _intended(connection, entry.approval_id, action):
            action = None
        mark = self._marks.find(connection, entry.key)
        if taskrow.read(connection, entry.task_id)["state"] == TaskState.QUEUED:  # resumed by a person
            taskrow.move(connection, self._clock, entry.task_id, TaskState.RUNNING)
        return Start(
            verdict=Verdict.INTERRUPTED,
            why=self._outdated(connection, entry),
            action=action,
            entry=entry,
            pausing=mark.pausing if mark else "",
        )

    def _outdated(self, connection: Connection, entry: Entry) -> str:
        """Say why an interrupted effect may not act again: too long ago by either clock, or in another boot."""
        if self._marks.fresh(connection, entry.key, RERUN_WITHIN):
            return ""
        used = rows.load(connection, entry.approval_id)
        age = self._clock.now() - entry.begun_at
        if used.start_before_mono is None or used.decided_boot != self._clock.boot_id():
            return TOO_OLD
        late = self._clock.mono() - float(used.start_before_mono)
        return "" if 0 <= age <= RERUN_WITHIN and late <= RERUN_WITHIN else TOO_OLD

    def _write(
        self,
        connection: Connection,
        run: Run,
        action: Action | None,
        phase: Phase,
        *,
        outcome: str = "",
        reason: str = "",
    ) -> None:
        self._journal.append(
            connection,
            phase=phase,
            actor=self._actor(),
            kind=action.kind if action else "task.run",
            object=_named(action) if action else f"task {run.task_id}",
            task_id=run.task_id,
            approval_id=run.approval_id,
            action_hash=action.hash() if action else "",
            outcome=outcome,
            reason=reason,
            detail={"effect": run.key, "requester": action.requester} if action else {"effect": run.key},
        )


def _approved(connection: Connection, approval_id: int) -> Action | None:
    """Return the stored action when its bytes, whatever they are, still have the hash that was approved."""
    try:
        row = rows.load(connection, approval_id)
        stored = bytes(row.action)
        return parse(stored) if hash_bytes(stored) == row.action_hash else None
    except (NotFound, BadInput):
        return None


def _intended(connection: Connection, approval_id: int, action: Action) -> bool:
    """Tell whether the audit holds the intent to do exactly this: a row alone proves no beginning."""
    same = (event.c.approval_id == approval_id) & (event.c.action_hash == action.hash())
    found = select(event.c.seq).where(same & (event.c.phase == Phase.INTENT)).limit(1)
    return connection.execute(found).first() is not None


def _named(action: Action) -> str:
    return ", ".join(target.name for target in action.targets) or shortened(
        action.script.strip().partition("\n")[0], 80
    )
