"""How people decide: figures that show when they no longer read what they approve (R1.16)."""

from __future__ import annotations

from statistics import median

from sqlalchemy import Connection, select

from aistack_backend.store.tables import approval
from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.rules import DecisionReport

QUICK = 2.0
"""Seconds within which nobody has read an action."""
NEWEST = 1_000
"""Decisions of people that are looked at."""
_YES = (ApprovalState.APPROVED, ApprovalState.USED, ApprovalState.STALE, ApprovalState.MISMATCH)


def report(connection: Connection) -> DecisionReport:
    """Return the figures of the newest decisions by people; None where there is nothing to measure."""
    by_people = approval.c.decided_uid.is_not(None) & approval.c.decided_at.is_not(None)
    columns = (approval.c.state, approval.c.created_at, approval.c.decided_at)
    query = select(*columns).where(by_people).order_by(approval.c.decided_at.desc()).limit(NEWEST)
    found = connection.execute(query).all()
    took = [max(0.0, row.decided_at - row.created_at) for row in found]
    yes = [seconds for row, seconds in zip(found, took, strict=True) if row.state in _YES]
    pending = connection.execute(select(approval.c.action_hash).where(approval.c.state == ApprovalState.PENDING))
    waiting = list(pending.scalars())
    return DecisionReport(
        decided=len(found),
        approved=len(yes),
        median_seconds=median(took) if took else None,
        quick_share=sum(seconds < QUICK for seconds in yes) / len(yes) if yes else None,
        waiting=len(waiting),
        waiting_distinct=len(set(waiting)),
    )
