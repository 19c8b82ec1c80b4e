"""Begin: the one use of an approval, right before its effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, update

from aistack_backend.approvals import people
from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import Action, hash_bytes, parse
from aistack_backend.approvals.decision import close
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput, NotFound, Refused
from aistack_backend.store.tables import approval, event
from aistack_backend.wire.actions import ApprovalState, Verdict
from aistack_backend.wire.audit import Phase


class Gate:
    """Opens once for each approval, in the caller's transaction."""

    def __init__(self, audit: AuditLog, policy: Policy, clock: Clock) -> None:
        self._audit = audit
        self._policy = policy
        self._clock = clock

    def open(self, connection: Connection, approval_id: int, recheck: Callable[[Action], str]) -> Action:
        """Mark it used and return exactly what may run.

        Raises:
            NotFound: no such approval.
            Rejection: nothing may run; ``close`` records why.
        """
        row = rows.load(connection, approval_id)
        if row.state != ApprovalState.APPROVED or row.used_at is not None:
            why = f"Approval {row.id} cannot be used: it is {ApprovalState(row.state)}."
            raise Rejection(Refused(why, "Each run needs its own approval.", kind="approval-not-open"))
        if why := self._too_late(row):
            raise Rejection(
                Refused(f"Approval {row.id} is stale: {why}.", "Ask again.", kind="approval-stale"),
                closes=ApprovalState.STALE,
            )
        action = self._same(connection, row)
        if changed := _rechecked(action, recheck):
            raise _mismatch(row.id, changed)
        self._use(connection, row)
        return action

    def close(self, connection: Connection, approval_id: int, rejection: Rejection) -> bool:
        """Record a refused use, and the final state that follows from it; True when the state changed."""
        try:
            row = rows.load(connection, approval_id)
        except NotFound:
            return False
        changed = rejection.closes is not None and close(
            connection,
            self._audit,
            self._clock,
            row,
            ApprovalState.APPROVED,
            rejection.closes,
            rejection.error.detail,
        )
        self._audit.append(
            connection,
            phase=Phase.NOTE,
            actor="backend",
            via="auto",
            kind=row.kind,
            task_id=row.task_id,
            approval_id=row.id,
            action_hash=row.action_hash,
            outcome=f"refused: {rejection.error.detail}",
        )
        return changed

    def _too_late(self, row: Any) -> str:
        if row.decided_boot != self._clock.boot_id():
            return "the machine was restarted since it was approved"
        if row.start_before_mono is None or self._clock.mono() > row.start_before_mono:
            return "it was not started in time"
        return ""

    def _same(self, connection: Connection, row: Any) -> Action:
        """Return the stored action when it is the one that was approved, byte for byte."""
        stored = bytes(row.action)
        if hash_bytes(stored) != row.action_hash:
            raise _mismatch(row.id, "its stored action was changed")
        try:
            action = parse(stored)
        except BadInput as error:
            raise _mismatch(row.id, error.detail) from error
        if action.kind != row.kind or action.task_id not in (0, row.task_id):
            raise _mismatch(row.id, "its row and its action name different things")
        said = _approved_in_audit(connection, row)
        if not any(decision == Verdict.APPROVE for _, decision in said):
            raise _mismatch(row.id, "the audit holds no decision that approved this action")
        if people.wanted(row, self._policy) > 1 and not _by_two(said):
            raise _mismatch(row.id, "the audit does not hold the yes of two people")
        return action

    def _use(self, connection: Connection, row: Any) -> None:
        unused = (approval.c.state == ApprovalState.APPROVED) & approval.c.used_at.is_(None)
        same = (approval.c.id == row.id) & (approval.c.action_hash == row.action_hash)
        values = {"state": ApprovalState.USED, "used_at": self._clock.now()}
        if connection.execute(update(approval).where(same & unused).values(**values)).rowcount != 1:
            raise Rejection(Refused(f"Approval {row.id} was used by another run.", kind="approval-not-open"))


def _mismatch(approval_id: int, why: str) -> Rejection:
    detail = f"Approval {approval_id} no longer fits: {why.rstrip('.')}."
    error = Refused(detail, "Nothing ran. Look at it and ask again.", kind="approval-mismatch")
    return Rejection(error, closes=ApprovalState.MISMATCH)


def _rechecked(action: Action, recheck: Callable[[Action], str]) -> str:
    try:
        return recheck(action)
    except BackendError as error:
        return f"it could not be checked again: {error.detail}"
    except Exception as error:  # what cannot be checked does not run
        return f"it could not be checked again ({type(error).__name__})"


def _approved_in_audit(connection: Connection, row: Any) -> list[tuple[str, str]]:
    """Return actor and decision of every yes to exactly this action."""
    yes = (event.c.approval_id == row.id) & (event.c.action_hash == row.action_hash)
    yes &= (event.c.phase == Phase.DECISION) & event.c.decision.in_((Verdict.APPROVE, people.FIRST))
    return [(one.actor, one.decision) for one in connection.execute(select(event.c.actor, event.c.decision).where(yes))]


def _by_two(said: list[tuple[str, str]]) -> bool:
    found = [who for actor, _ in said if (who := people.who_is(actor))]
    return any(not people.same(one, other) for one in found for other in found)
