"""Close what time has overtaken, and what an edit replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.decision import close, close_pending
from aistack_backend.approvals.port import Person
from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import Clock
from aistack_backend.errors import Conflict
from aistack_backend.store.tables import approval
from aistack_backend.wire.actions import ApprovalState

_OPEN = (ApprovalState.PENDING, ApprovalState.APPROVED)


class Sweep:
    """Finds and closes approvals that may no longer be decided or used."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    def due(self, connection: Connection) -> Sequence[int]:
        """Return the ids whose time to be decided or started is over."""
        return [row.id for row in self._open(connection) if self._is_due(row)]

    def unused(self, connection: Connection) -> Sequence[int]:
        """Return the ids that are approved and not used."""
        return [row.id for row in self._open(connection) if row.state == ApprovalState.APPROVED]

    def close(self, connection: Connection, found: Sequence[int], reason: str) -> Sequence[int]:
        """Close what of ``found`` is still open and return those ids; ``reason`` is told for the stale ones."""
        return [one for one in found if self._close(connection, rows.load(connection, one), reason)]

    def supersede(self, connection: Connection, approval_id: int, task_id: int, by: Person | None = None) -> int:
        """Close a pending request that an edited one replaces.

        Raises:
            NotFound: no such approval.
            Conflict: it is not pending, or belongs to another task.
        """
        row = rows.load(connection, approval_id)
        before, after = ApprovalState.PENDING, ApprovalState.SUPERSEDED
        reason = "replaced by an edited request"
        if row.task_id != task_id or not close(connection, self._audit, self._clock, row, before, after, reason, by):
            raise Conflict(f"Approval {approval_id} cannot be edited: it is {ApprovalState(row.state)}.")
        return approval_id

    def _open(self, connection: Connection) -> Sequence[Any]:
        columns = [column for column in approval.columns if column.name not in ("action", "view")]
        return connection.execute(select(*columns).where(approval.c.state.in_(_OPEN))).all()

    def _is_due(self, row: Any) -> bool:
        if row.state == ApprovalState.PENDING:
            return rows.left(row, self._clock) <= 0
        if row.decided_boot != self._clock.boot_id() or row.start_before_mono is None:
            return True
        return bool(self._clock.mono() > row.start_before_mono)

    def _close(self, connection: Connection, row: Any, reason: str) -> bool:
        if row.state == ApprovalState.PENDING:
            return close_pending(connection, self._audit, self._clock, row)
        before, after = ApprovalState.APPROVED, ApprovalState.STALE
        return close(connection, self._audit, self._clock, row, before, after, reason)
