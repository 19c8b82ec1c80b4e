"""Decide: one person, one yes or no, bound to what that person saw."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, update

from aistack_backend.approvals import people
from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import hash_bytes, parse
from aistack_backend.approvals.pace import Pace
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Enqueue, Person
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.approvals.request import Limits, enqueue
from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import Clock
from aistack_backend.errors import AlreadyDecided, BadInput, Refused
from aistack_backend.store.tables import approval
from aistack_backend.wire.actions import ApprovalState, DecideRequest, Risk, Verdict
from aistack_backend.wire.audit import Phase

STATES = {Verdict.APPROVE: ApprovalState.APPROVED, Verdict.DENY: ApprovalState.DENIED}
_SAID_YES = (ApprovalState.APPROVED, ApprovalState.USED, ApprovalState.STALE, ApprovalState.MISMATCH)


def check(request: DecideRequest) -> None:
    """Refuse what is no decision.

    Raises:
        BadInput: no verdict, or a denial without a reason.
    """
    if request.verdict not in STATES:
        raise BadInput("The verdict is neither approve nor deny.", "Send one of them.")
    if request.verdict is Verdict.DENY and not request.reason.strip():
        raise BadInput("A denial needs a reason.", "Say in a few words why; the agent is told.")


class Decision:
    """Takes decisions in the caller's transaction."""

    def __init__(
        self,
        audit: AuditLog,
        policy: Policy,
        clock: Clock,
        limits: Limits,
        engine: Callable[[], Enqueue | None],
        pace: Pace,
    ) -> None:
        self._audit = audit
        self._policy = policy
        self._pace = pace
        self._clock = clock
        self._limits = limits
        self._engine = engine

    def take(self, connection: Connection, approval_id: int, request: DecideRequest, person: Person) -> None:
        """Decide, record it and, for a yes, enqueue. The first yes of two is kept, and the approval waits on.

        Raises:
            NotFound: no such approval.
            Rejection: it is refused; the record of that is in the transaction and is to be committed.
            Unavailable: the audit or the engine cannot take it; roll back.
        """
        row = rows.load(connection, approval_id)
        try:
            self._examine(row, request)
            if request.verdict is Verdict.APPROVE:
                self._pace.check(connection, row, person)
            before = self._counted(connection, row, request, person)
            if before == people.FIRST:
                return
            self._win(connection, row, request, person, before)
        except Rejection as rejection:
            self._record_refusal(connection, row, request, person, rejection)
            raise
        if request.verdict is Verdict.APPROVE:
            enqueue(self._engine(), connection, row.task_id, row.id, row.revision)

    def _examine(self, row: Any, request: DecideRequest) -> None:
        if row.state != ApprovalState.PENDING:
            raise Rejection(already(row))
        if rows.left(row, self._clock) <= 0:
            error = Refused(f"Approval {row.id} expired undecided.", "Ask again.", kind="approval-expired")
            raise Rejection(error, closes=ApprovalState.EXPIRED)
        if not hmac.compare_digest(request.action_hash.encode(), row.action_hash.encode()):
            raise Rejection(mismatch(f"What you saw is not what approval {row.id} would run.", "Look at it again."))
        if request.verdict is Verdict.APPROVE:
            if hash_bytes(bytes(row.action)) != row.action_hash:
                why = f"The stored action of approval {row.id} was changed since it was asked."
                raise Rejection(mismatch(why, "Deny it, and find out who changed it."))
            self._check_care(row, request)

    def _check_care(self, row: Any, request: DecideRequest) -> None:
        """The more an action can break, the more the yes must show that it was read."""
        risk = Risk(row.risk)
        if risk is Risk.UNKNOWN:
            raise Rejection(Refused(f"Approval {row.id} has a risk that this version does not know.", "Deny it."))
        code = rows.code_of(risk, row.action_hash)
        if code and request.code.strip().lower() != code:
            raise Rejection(
                Refused("The code is not right.", "Type the four characters shown.", kind="approval-code-wrong")
            )
        if risk is Risk.DESTRUCTIVE:
            name = rows.name_of(risk, parse(bytes(row.action)))
            if request.typed_name != name:
                error = Refused("The name is not right.", f"Type the name exactly: {name}.", kind="approval-name-wrong")
                raise Rejection(error)
            wait = row.ready_at - row.created_at - rows.age(row, self._clock)
            if wait > 0:
                why = f"Approval {row.id} is cooling off for {wait:.0f} s more."
                raise Rejection(Refused(why, "Approve it then.", kind="approval-cooling"))

    def _counted(self, connection: Connection, row: Any, request: DecideRequest, person: Person) -> str:
        """Return who said yes before, "" when one yes is enough, or ``FIRST`` when this is the first yes of two."""
        if request.verdict is not Verdict.APPROVE or people.wanted(row, self._policy) < 2:
            return ""
        before = people.first(connection, row)
        if error := people.refusal(connection, row, person, self._policy, before):
            raise Rejection(error)
        if before is not None:
            return str(before.first_by)
        people.keep(connection, self._clock, row, person)
        self._append(connection, row, request, person, phase=Phase.DECISION, decision=people.FIRST, detail=who(person))
        return people.FIRST

    def _win(self, connection: Connection, row: Any, request: DecideRequest, person: Person, before: str) -> None:
        yes = request.verdict is Verdict.APPROVE
        values: dict[str, Any] = {
            "state": STATES[request.verdict],
            "decided_at": self._clock.now(),
            "decided_by": person.actor,
            "decided_uid": person.uid,
            "decided_via": person.via,
            "decided_boot": self._clock.boot_id(),
            "start_before_mono": self._clock.mono() + self._limits.start if yes else None,
            "reason": request.reason.strip(),
        }
        open_still = (approval.c.state == ApprovalState.PENDING) & (approval.c.action_hash == request.action_hash)
        changed = connection.execute(update(approval).where((approval.c.id == row.id) & open_still).values(**values))
        if changed.rowcount != 1:
            raise Rejection(already(rows.load(connection, row.id)))
        detail = who(person)
        if before:
            detail["dual_control"] = f"two people, {before} first"
        elif row.risk == Risk.DESTRUCTIVE and yes:
            detail["dual_control"] = "single-operator"
        self._append(connection, row, request, person, phase=Phase.DECISION, reason=values["reason"], detail=detail)

    def _record_refusal(
        self, connection: Connection, row: Any, request: DecideRequest, person: Person, rejection: Rejection
    ) -> None:
        if rejection.closes is ApprovalState.EXPIRED:
            close_pending(connection, self._audit, self._clock, row)
        why = f"refused: {rejection.error.detail}"
        self._append(connection, row, request, person, phase=Phase.NOTE, outcome=why, detail=who(person))

    def _append(self, connection: Connection, row: Any, request: DecideRequest, person: Person, **fields: Any) -> None:
        common = {"actor": person.actor, "via": person.via, "kind": row.kind, "task_id": row.task_id}
        common |= {"approval_id": row.id, "action_hash": row.action_hash, "decision": str(request.verdict)}
        self._audit.append(connection, **(common | fields))


def close_pending(connection: Connection, audit: AuditLog, clock: Clock, row: Any) -> bool:
    """Close a request that nobody decided in time; False when somebody did meanwhile."""
    reason = "nobody decided in time"
    return close(connection, audit, clock, row, ApprovalState.PENDING, ApprovalState.EXPIRED, reason)


def close(
    connection: Connection,
    audit: AuditLog,
    clock: Clock,
    row: Any,
    before: ApprovalState,
    state: ApprovalState,
    reason: str,
    by: Person | None = None,
) -> bool:
    """Move an approval from ``before`` to a final state and record it; False when it stands elsewhere."""
    actor, via = (by.actor, by.via) if by else ("backend", "auto")
    values: dict[str, Any] = {"state": state, "reason": reason}
    if before is ApprovalState.PENDING:
        values |= {"decided_at": clock.now(), "decided_by": actor, "decided_via": via}
    stands = (approval.c.id == row.id) & (approval.c.state == before) & approval.c.used_at.is_(None)
    if connection.execute(update(approval).where(stands).values(**values)).rowcount != 1:
        return False
    audit.append(
        connection,
        phase=Phase.DECISION,
        actor=actor,
        via=via,
        kind=row.kind,
        task_id=row.task_id,
        approval_id=row.id,
        action_hash=row.action_hash,
        decision=str(state),
        reason=reason,
        detail=who(by) if by else {},
    )
    return True


def who(person: Person) -> dict[str, Any]:
    """Return what the kernel told of a person, and what it claims, for the detail of a record."""
    known = {"uid": person.uid, "gid": person.gid, "pid": person.pid}
    return known | ({"claimed": person.session} if person.session else {})


def mismatch(detail: str, hint: str) -> Refused:
    """Return the refusal of something that is not what was seen."""
    return Refused(detail, hint, kind="approval-mismatch")


def already(row: Any) -> AlreadyDecided:
    """Return the error for whoever comes after the decision: who was first, what and when."""
    state = ApprovalState(row.state)
    decision = str(Verdict.APPROVE) if state in _SAID_YES else str(state)
    if state is ApprovalState.DENIED:
        decision = str(Verdict.DENY)
    winner = row.decided_by or "backend"
    said = str(ApprovalState.APPROVED) if state in _SAID_YES else str(state)
    if state is ApprovalState.SUPERSEDED:
        said, decision = "edited", "edit"
    detail = f"Already {said} by {winner}: approval {row.id} is no longer open."
    return AlreadyDecided(detail, winner=winner, decision=decision, decided_at=row.decided_at)
