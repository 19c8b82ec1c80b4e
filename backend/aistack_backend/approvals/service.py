"""Requests, decisions and their one use. Nothing waits in memory: an approval is a row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.decision import Decision, check
from aistack_backend.approvals.edit import edited, record_refusal
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.gate import Gate
from aistack_backend.approvals.pace import Pace
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Enqueue, Person
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.approvals.report import report
from aistack_backend.approvals.request import Asking, Limits
from aistack_backend.approvals.rulebook import Rulebook
from aistack_backend.approvals.rules import Rules
from aistack_backend.approvals.sweep import Sweep
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.store.database import Database, after
from aistack_backend.wire.actions import (
    Approval,
    ApprovalList,
    ApprovalState,
    DecideRequest,
    EditRequest,
    GoOnRequest,
)
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.events import Topic
from aistack_backend.wire.rules import DecisionReport

SHOWN = 50
"""Decided approvals in a list."""
Watcher = Callable[[Connection, Approval], None]


class Approvals:
    """The gate. Set ``enqueue`` before anything can be approved.

    ``watchers`` are called with each approval whose state changed, in the transaction of the change.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        policy: Policy,
        clock: Clock,
        bus: Bus,
        limits: Limits | None = None,
    ) -> None:
        self.enqueue: Enqueue | None = None
        self.watchers: list[Watcher] = []
        self.policy = policy
        self._database = database
        self._audit = audit
        self._clock = clock
        self._bus = bus
        self._publishing = threading.Lock()
        limits = limits or Limits()
        book = Rulebook(policy, clock)
        self.rules = Rules(database, audit, book)
        self._asking = Asking(audit, policy, clock, limits, self._enqueue, book)
        self._pace = Pace(clock, limits.most_a_minute)
        self._decision = Decision(audit, policy, clock, limits, self._enqueue, self._pace)
        self._gate = Gate(audit, policy, clock)
        self._sweep = Sweep(audit, clock)

    def request(
        self,
        connection: Connection,
        action: Action,
        evidence: Evidence,
        *,
        task_id: int,
        via: str,
        replaces: int = 0,
        by: Person | None = None,
    ) -> Approval:
        """Judge an action and record what came of it, in the caller's transaction (seal the audit after it).

        Returns it PENDING, or APPROVED by a rule and enqueued, or DENIED: by a rule, or because the same
        action was denied in this task within the last day (R1.6). ``replaces`` is a pending approval that
        this one edits: it becomes SUPERSEDED (R1.8); a person (``by``) who edits is asked in any case.

        Raises:
            BadInput: the action names another task.
            Conflict: ``replaces`` is not pending.
            Unavailable: the audit or the engine cannot take it; roll back.
        """
        if replaces:
            self._told(connection, self._sweep.supersede(connection, replaces, task_id, by))
        must = f"edited by {by.actor}" if by else ""
        approval_id = self._asking.ask(connection, action, evidence, task_id=task_id, via=via, must=must)
        after(connection, self._publish)
        return self._told(connection, approval_id)

    def preview(self, action: Action, evidence: Evidence) -> Approval:
        """Return what ``request`` would ask, with id 0; stores nothing."""
        with self._database.read() as connection:
            return self._asking.preview(connection, action, evidence)

    def decide(self, approval_id: int, request: DecideRequest, person: Person) -> Approval:
        """Decide once, for all: the first committed decision wins. A yes enqueues in the same transaction.

        Every refused attempt is audited. Returns after the decision is on the witness's disk.

        Raises:
            NotFound: no such approval.
            BadInput: no verdict, or a denial without a reason.
            AlreadyDecided: somebody was first; says who, what and when.
            Refused: expired, another hash than what was seen, code or name not right, or still cooling off.
            Unavailable: the audit or the engine cannot take it; nothing was decided, or nothing runs yet.
        """
        check(request)
        with self._database.tx() as connection:
            try:
                self._decision.take(connection, approval_id, request, person)
                outcome: Approval | Rejection = self._told(connection, approval_id)
            except Rejection as rejection:  # its record is to be committed
                outcome = rejection
                if rejection.closes:
                    self._told(connection, approval_id)
        self._settle()
        if isinstance(outcome, Rejection):
            raise outcome.error
        return outcome

    def go_on(self, approval_id: int, request: GoOnRequest, person: Person) -> Approval:
        """Take the deliberate step after a pause; return the approval, which still waits for its decision.

        Raises:
            NotFound: no such approval. BadInput: other words. Conflict: nothing is paused.
            Unavailable: the audit cannot take it; it stays paused.
        """
        with self._database.tx() as connection:
            row = rows.load(connection, approval_id)
            for subject in self._pace.go_on(connection, row, request, person):
                self._audit.append(
                    connection,
                    phase=Phase.NOTE,
                    actor=person.actor,
                    via=person.via,
                    kind="approval.go-on",
                    object=subject,
                    task_id=row.task_id,
                    approval_id=row.id,
                )
        self._settle()
        return self.get(approval_id)

    def edit(self, approval_id: int, request: EditRequest, person: Person) -> Approval:
        """Put another text in place of a pending shell command's; return the new request, which waits (R1.8).

        It has a hash, a risk and a deadline of its own; the old one is SUPERSEDED. With a decision it races as
        decisions do with each other: the first committed one wins. Every refused attempt is audited.

        Raises:
            NotFound: no such approval.
            BadInput: the text cannot be run, or is the same.
            AlreadyDecided: somebody was first; says who, what and when.
            Refused: expired, another hash than what was seen, or an action that has no text.
            Unavailable: the audit cannot take it; nothing was edited.
        """
        with self._database.tx() as connection:
            try:
                row, action, evidence = edited(connection, approval_id, request, self._clock)
                outcome: Approval | Rejection = self.request(
                    connection, action, evidence, task_id=row.task_id, via=person.via, replaces=approval_id, by=person
                )
            except Rejection as rejection:  # its record is to be committed
                outcome = rejection
                record_refusal(connection, self._audit, approval_id, rejection, person)
        self._settle()
        if isinstance(outcome, Rejection):
            raise outcome.error
        return outcome

    def begin(self, connection: Connection, approval_id: int, recheck: Callable[[Action], str]) -> Action:
        """Use an approval, once: call it in the transaction that records the intent, right before the effect.

        The stored bytes are hashed again and held against the approval, the decision in the audit is looked
        up, and ``recheck`` says "" when every pinned precondition still holds. When the caller's transaction
        ends after a refusal, MISMATCH or STALE is recorded in one of its own.

        Raises:
            NotFound: no such approval.
            Refused: not approved, used already, too late (``approval-stale``), or no longer what was approved
                (``approval-mismatch``); nothing may run.
            Unavailable: the audit cannot be written; nothing may run.
        """
        try:
            action = self._gate.open(connection, approval_id, recheck)
        except Rejection as rejection:
            refused = rejection
            if not after(connection, lambda: self._close(approval_id, refused)):
                self._record_closing(connection, approval_id, refused)
            raise refused.error from None
        after(connection, self._publish)
        self._told(connection, approval_id)
        return action

    def expire_due(self) -> int:
        """Close what nobody decided or started in time; returns how many. Call it about once a second."""
        return self._swept(self._sweep.due, "it was not started in time")

    def on_restart(self) -> int:
        """Close what was approved before this start and not used (R1.7); returns how many."""
        return self._swept(self._sweep.unused, "the backend was restarted before it began")

    def get(self, approval_id: int) -> Approval:
        """Return one approval.

        Raises:
            NotFound: no such approval.
        """
        with self._database.read() as connection:
            return self._wire(connection, rows.load(connection, approval_id))

    def report(self, person: Person | None = None) -> DecisionReport:
        """Return how people decided lately (R1.16), and how close ``person`` is to a pause."""
        with self._database.read() as connection:
            lately = self._pace.lately(connection, person) if person else None
            return replace(report(connection), last_minute=lately, most=self._pace.most)

    def list(self) -> ApprovalList:
        """Return every pending approval, nearest deadline first, then the newest 50 others."""
        with self._database.read() as connection:
            found = rows.pending_first(connection, SHOWN)
            return ApprovalList(approvals=tuple(self._wire(connection, row) for row in found))

    def _wire(self, connection: Connection, row: Any) -> Approval:
        waiting = row.state == ApprovalState.PENDING
        return rows.to_wire(row, self._clock, self._pace.held(connection, row.task_id) if waiting else "")

    def _enqueue(self) -> Enqueue | None:
        return self.enqueue

    def _swept(self, find: Callable[[Connection], Sequence[int]], reason: str) -> int:
        with self._database.read() as connection:
            if not find(connection):
                return 0
        with self._database.tx() as connection:
            closed = self._sweep.close(connection, find(connection), reason)  # found anew: one may be decided now
            for approval_id in closed:
                self._told(connection, approval_id)
        self._settle()
        return len(closed)

    def _close(self, approval_id: int, rejection: Rejection) -> None:
        with self._database.tx() as connection:
            self._record_closing(connection, approval_id, rejection)
        self._settle()

    def _record_closing(self, connection: Connection, approval_id: int, rejection: Rejection) -> None:
        if self._gate.close(connection, approval_id, rejection):
            self._told(connection, approval_id)

    def _told(self, connection: Connection, approval_id: int) -> Approval:
        changed = self._wire(connection, rows.load(connection, approval_id))
        for watcher in self.watchers:
            watcher(connection, changed)
        return changed

    def _settle(self) -> None:
        try:
            self._audit.seal()
        finally:
            self._publish()

    def _publish(self) -> None:
        with self._publishing:  # a list read later is never overtaken by one read earlier
            self._bus.publish(Topic.APPROVALS, self.list())
