"""How long an approval waited for its decision and who made it, as a span of its task's trace.

The decision is a request of its own, in a trace of its own: the two are linked, both ways (ADR 0048).
"""

from __future__ import annotations

from sqlalchemy import Connection

from aistack_backend import tracing
from aistack_backend.store import task_traces
from aistack_backend.wire.actions import Approval, ApprovalState

ENDS = (ApprovalState.APPROVED, ApprovalState.DENIED, ApprovalState.EXPIRED, ApprovalState.SUPERSEDED)
"""The states in which an approval that waited no longer waits."""


def told(connection: Connection, changed: Approval) -> None:
    """Make the span of a wait that is over; nothing when the task is not traced, or it had not waited."""
    if not tracing.on() or changed.state not in ENDS:
        return
    context = task_traces.of(connection, changed.task_id)
    if context is None:
        return
    decision, task = tracing.current(), tracing.current(context)
    elsewhere = decision is not None and task is not None and decision[0] != task[0]
    made = tracing.begin(
        "approval.wait",
        context,
        start=changed.created_at,
        links=(decision,) if decision and elsewhere else (),
        approval=changed.id,
        state=changed.state.value,
        risk=changed.risk.value,
        **({"by": changed.decided_by} if changed.decided_by else {}),
    )
    if elsewhere:
        tracing.link(made)
    made.end(None if changed.decided_at is None else int(changed.decided_at * 1e9))
