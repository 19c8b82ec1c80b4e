"""Ask: judge an action and record it as waiting, allowed by a rule, or denied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, insert, select

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.judgement import Judgement
from aistack_backend.approvals.policy import Effect, Policy, Ruling
from aistack_backend.approvals.port import Enqueue
from aistack_backend.approvals.retry import against_last
from aistack_backend.approvals.risk import judge
from aistack_backend.approvals.rulebook import Rulebook
from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.store.tables import approval
from aistack_backend.wire.actions import Approval, ApprovalState, Risk, Verdict
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.base import Raw

SHORTEST, LONGEST = 10.0, 7 * 86_400.0
STATES = {
    Effect.ASK: ApprovalState.PENDING,
    Effect.ALLOW: ApprovalState.APPROVED,
    Effect.DENY: ApprovalState.DENIED,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things hold, in seconds."""

    decide: float = 900.0
    """Undecided for longer: expired. 10 s to 7 days."""
    start: float = 300.0
    """Approved and not started for longer: stale."""
    cooling: float = 60.0
    """A destructive action cannot be approved earlier than this after it was asked."""
    denied: float = 86_400.0
    """The same action, denied in the same task, is denied again without asking for this long."""

    most_a_minute: int = 0
    """Approvals of one person, or requests of one task and what it started, before a pause; 0 = any number."""

    def __post_init__(self) -> None:
        """Refuse a time to decide that is out of bounds.

        Raises:
            BadInput: says the bounds.
        """
        if not SHORTEST <= self.decide <= LONGEST:
            raise BadInput(f"The time to decide is {self.decide:g} s; it can be 10 s to 7 days.")


class Asking:
    """Writes requests. ``enqueue`` is asked for when a rule allows one."""

    def __init__(
        self,
        audit: AuditLog,
        policy: Policy,
        clock: Clock,
        limits: Limits,
        enqueue: Callable[[], Enqueue | None],
        book: Rulebook,
    ) -> None:
        self._audit = audit
        self._policy = policy
        self._clock = clock
        self._limits = limits
        self._enqueue = enqueue
        self._book = book

    def ask(
        self, connection: Connection, action: Action, evidence: Evidence, *, task_id: int, via: str, must: str = ""
    ) -> int:
        """Record the request and return its id. ``must``: why a person is asked whatever would let it through.

        Raises:
            BadInput: the action names another task.
            Unavailable: the audit or the engine cannot take it.
        """
        if action.task_id not in (0, task_id):
            raise BadInput(f"The action belongs to task {action.task_id}, it was asked in task {task_id}.")
        judged, ruling = self._judge(action, evidence)
        evidence = replace(evidence, facts=(*evidence.facts, *against_last(connection, action)))
        if earlier := self._denied_before(connection, task_id, action.hash()):
            why = f"the same action was denied in approval {earlier} within the last day"
            ruling = Ruling(Effect.DENY, f"deny: {why}")
        elif must and ruling.effect is Effect.ALLOW:
            ruling = Ruling(Effect.ASK, f"ask: {must}")
        elif ruling.lifts and not must and (words := self._book.allows(connection, action, task_id)):
            ruling = Ruling(Effect.ALLOW, words)
        values = self._values(action, evidence, judged, ruling) | {"task_id": task_id, "via": via}
        values["revision"] = _next_revision(connection, task_id)
        new = insert(approval).values(**values).returning(approval.c.id)
        approval_id = int(connection.execute(new).scalar_one())
        self._record(connection, approval_id, values, action, evidence, judged)
        if ruling.effect is Effect.ALLOW:
            enqueue(self._enqueue(), connection, task_id, approval_id, values["revision"])
        return approval_id

    def preview(self, connection: Connection, action: Action, evidence: Evidence) -> Approval:
        """Return what ``ask`` would record, with id 0, always as waiting for a person."""
        judged, ruling = self._judge(action, evidence)
        values = self._values(action, evidence, judged, ruling) | {"state": ApprovalState.PENDING}
        return Approval(
            id=0,
            task_id=action.task_id,
            revision=0,
            state=ApprovalState.PENDING,
            risk=judged.risk,
            risk_reasons=judged.reasons,
            kind=action.kind,
            title=evidence.title,
            argv=action.argv,
            script=action.script,
            cwd=action.cwd,
            user=action.user,
            image=action.image,
            targets=action.targets,
            effect=evidence.effect,
            undo=evidence.undo,
            facts=(*evidence.facts, *against_last(connection, action)),
            agent_says=evidence.agent_says,
            requester=action.requester,
            created_at=values["created_at"],
            expires_at=values["expires_at"],
            ready_at=values["ready_at"],
            action_hash=values["action_hash"],
            code=rows.code_of(judged.risk, values["action_hash"]),
            typed_name=rows.name_of(judged.risk, action),
            rule=ruling.rule,
            people=self._policy.people(action, judged.risk),
            payload=Raw(values["action"]),
        )

    def _judge(self, action: Action, evidence: Evidence) -> tuple[Judgement, Ruling]:
        judged = judge(action, managed=evidence.managed)
        return judged, self._policy.judge(action, judged.risk)

    def _values(self, action: Action, evidence: Evidence, judged: Judgement, ruling: Ruling) -> dict[str, Any]:
        now, mono = self._clock.now(), self._clock.mono()
        people = self._policy.people(action, judged.risk)
        cools = judged.risk is Risk.DESTRUCTIVE and people == 1  # two people need no time to think: they are two
        values: dict[str, Any] = {
            "state": STATES[ruling.effect],
            "kind": action.kind,
            "risk": str(judged.risk),
            "action_hash": action.hash(),
            "action": action.canonical().decode(),
            "view": rows.view_of(evidence, judged.reasons, ruling.rule, people),
            "requester": action.requester,
            "created_at": now,
            "expires_at": now + self._limits.decide,
            "ready_at": now + self._limits.cooling if cools else 0.0,
            "boot_id": self._clock.boot_id(),
            "expires_mono": mono + self._limits.decide,
        }
        if ruling.effect is not Effect.ASK:
            values |= {"decided_at": now, "decided_by": "policy", "decided_via": "auto", "reason": ruling.rule}
        if ruling.effect is Effect.ALLOW:
            values |= {"decided_boot": self._clock.boot_id(), "start_before_mono": mono + self._limits.start}
        return values

    def _denied_before(self, connection: Connection, task_id: int, action_hash: str) -> int | None:
        same = (approval.c.task_id == task_id) & (approval.c.action_hash == action_hash)
        denied = same & (approval.c.state == ApprovalState.DENIED)
        recent = approval.c.decided_at > self._clock.now() - self._limits.denied
        found = connection.execute(select(func.min(approval.c.id)).where(denied & recent)).scalar()
        return None if found is None else int(found)

    def _record(
        self,
        connection: Connection,
        approval_id: int,
        values: dict[str, Any],
        action: Action,
        evidence: Evidence,
        judged: Judgement,
    ) -> None:
        common = {
            "kind": action.kind,
            "object": evidence.title,
            "task_id": values["task_id"],
            "approval_id": approval_id,
            "action_hash": values["action_hash"],
        }
        detail = {"action": asdict(action), "risk": judged.risk, "risk_reasons": judged.reasons}
        self._audit.append(
            connection,
            phase=Phase.REQUEST,
            actor=action.requester or "unknown",
            via=values["via"],
            detail=detail | {"agent_says": evidence.agent_says},
            **common,
        )
        if values["state"] != ApprovalState.PENDING:
            yes = values["state"] == ApprovalState.APPROVED
            verdict = str(Verdict.APPROVE if yes else Verdict.DENY)
            self._audit.append(
                connection,
                phase=Phase.DECISION,
                actor="policy",
                via="auto",
                decision=verdict,
                reason=values["reason"],
                **common,
            )


def enqueue(engine: Enqueue | None, connection: Connection, task_id: int, approval_id: int, revision: int) -> None:
    """Hand an approved action to the engine in the caller's transaction.

    Raises:
        Unavailable: no engine was wired.
    """
    if engine is None:
        raise Unavailable("No engine can run what would be approved.", "Restart the backend.")
    engine.enqueue(connection, task_id, approval_id, revision)


def _next_revision(connection: Connection, task_id: int) -> int:
    newest = select(func.coalesce(func.max(approval.c.revision), 0)).where(approval.c.task_id == task_id)
    return int(connection.execute(newest).scalar_one()) + 1
