"""What the engine needs from the gate and the audit below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sqlalchemy import Connection

from aistack_backend.approvals.action import Action
from aistack_backend.wire.audit import Phase


class Permits(Protocol):
    """The gate: gives out each approved action once."""

    def begin(self, connection: Connection, approval_id: int, recheck: Callable[[Action], str], /) -> Action:
        """Mark the approval used in the caller's transaction and return what may run.

        Raises:
            Refused, NotFound: it is not approved, was used, is stale, or is no longer what was approved. The
                caller rolls back; the gate records why in a transaction of its own.
        """
        ...

    def on_restart(self) -> object:
        """Make approvals stale that an earlier backend process left approved and unused (R1.7)."""
        ...


class Journal(Protocol):
    """The audit log: a record in the transaction of the change, then its witness on disk."""

    def append(
        self,
        connection: Connection,
        *,
        phase: Phase,
        actor: str,
        kind: str,
        via: str = "",
        object: str = "",  # noqa: A002
        task_id: int | None = None,
        approval_id: int | None = None,
        action_hash: str = "",
        decision: str = "",
        reason: str = "",
        outcome: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Append one record and return its seq."""
        ...

    def seal(self) -> None:
        """Write and sync the witness of every committed record.

        Raises:
            Unavailable: it cannot be written: nothing may run.
        """
        ...
