"""The rules that people made: kept in the database, rehearsed before they are made, counted, revoked (R1.11)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from aistack_backend.approvals import row as rows
from aistack_backend.approvals import scoped
from aistack_backend.approvals.action import Action, parse
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Person
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict, NotFound, Refused
from aistack_backend.store.rule_tables import allow_rule
from aistack_backend.store.tables import approval, task
from aistack_backend.wire.actions import Risk
from aistack_backend.wire.rules import Passed, Rehearsal, Rule, RuleList, RuleRequest

DAY = 86_400.0
"""Longest time that a rule holds."""
REHEARSED = 500
"""Newest past requests that a rule is tried on."""
SHOWN = 50
"""Ended rules in a list."""
ENDED = frozenset({"done", "exhausted", "failed", "stopped", "denied"})
"""States of a task in which nothing more is asked."""


class Rulebook:
    """Reads and writes the rules in the caller's transaction; the caller audits."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    def allows(self, connection: Connection, action: Action, task_id: int) -> str:
        """Return the words of the rules that together let an action through, and count that; "" when none do."""
        here = or_(allow_rule.c.task_id.is_(None), allow_rule.c.task_id == task_id)
        mine = (allow_rule.c.kind == action.kind) & (allow_rule.c.requester == action.requester) & here
        held = [row for row in connection.execute(select(allow_rule).where(mine)) if not self._ended(connection, row)]
        patterns = [json.loads(row.pattern) for row in held]
        if not scoped.covered(action, patterns):
            return ""
        alone = [row.id for row, one in zip(held, patterns, strict=True) if scoped.covered(action, [one])]
        ids = alone[:1] or [row.id for row in held]
        connection.execute(update(allow_rule).where(allow_rule.c.id.in_(ids)).values(used=allow_rule.c.used + 1))
        return f"allow: rule {', '.join(f'#{number}' for number in ids)} made by a person"

    def rehearse(self, connection: Connection, wish: RuleRequest) -> Rehearsal:
        """Return what the rule would have let through of the newest requests.

        Raises:
            NotFound, BadInput, Refused: the rule cannot be made; says why.
        """
        row, action, pattern = self._wished(connection, wish)
        newest = connection.execute(select(approval.c.id).order_by(approval.c.id.desc()).limit(REHEARSED)).scalars()
        past = [rows.load(connection, one) for one in newest]
        task_id = None if wish.any_task else row.task_id
        near = [one for one in past if task_id in (None, one.task_id) and self._lets(one, action, pattern)]
        return Rehearsal(
            words=_told(action.kind, pattern, task_id, wish.seconds),
            tried=len(past),
            passed=tuple(_passed(one) for one in near),
            never=self._never(connection, action, Risk(row.risk), task_id),
            rehearsed=_digest(wish, action, pattern),
        )

    def make(self, connection: Connection, wish: RuleRequest, person: Person) -> Rule:
        """Make a rule that was rehearsed.

        Raises:
            NotFound, BadInput, Refused: it cannot be made; says why.
            Conflict: it was not rehearsed as it is wished for.
        """
        row, action, pattern = self._wished(connection, wish)
        if wish.rehearsed != _digest(wish, action, pattern):
            raise Conflict("This rule was not rehearsed as it is asked for now.", "Look at its rehearsal first.")
        task_id = None if wish.any_task else row.task_id
        if never := self._never(connection, action, Risk(row.risk), task_id):
            raise Refused(f"This rule could never match: {never}", "It was not made.")
        values = {
            "approval_id": row.id,
            "kind": action.kind,
            "requester": action.requester,
            "pattern": scoped.dump(pattern),
            "task_id": task_id,
            "made_at": self._clock.now(),
            "made_by": person.actor,
            "made_uid": person.uid,
            "ends_at": self._clock.now() + wish.seconds,
            "boot_id": self._clock.boot_id(),
            "ends_mono": self._clock.mono() + wish.seconds,
        }
        made = connection.execute(insert(allow_rule).values(**values).returning(allow_rule.c.id)).scalar_one()
        return self.get(connection, int(made))

    def revoke(self, connection: Connection, rule_id: int, person: Person) -> Rule:
        """End a rule now.

        Raises:
            NotFound: there is no such rule.
            Conflict: it holds no more.
        """
        rule = self.get(connection, rule_id)
        if rule.ended:
            raise Conflict(f"Rule {rule_id} holds no more: {rule.ended}.")
        gone = {"revoked_at": self._clock.now(), "revoked_by": person.actor}
        connection.execute(update(allow_rule).where(allow_rule.c.id == rule_id).values(**gone))
        return self.get(connection, rule_id)

    def get(self, connection: Connection, rule_id: int) -> Rule:
        """Return one rule.

        Raises:
            NotFound: there is none of that number.
        """
        row = connection.execute(select(allow_rule).where(allow_rule.c.id == rule_id)).first()
        if row is None:
            raise NotFound(f"There is no rule {rule_id}.", "rules lists them.")
        return self._wire(connection, row)

    def list(self, connection: Connection) -> RuleList:
        """Return the rules that hold, newest first, then those that ended."""
        newest = connection.execute(select(allow_rule).order_by(allow_rule.c.id.desc())).all()
        found = [self._wire(connection, row) for row in newest]
        ended = [one for one in found if one.ended]
        return RuleList(rules=(*(one for one in found if not one.ended), *ended[:SHOWN]))

    def _wished(self, connection: Connection, wish: RuleRequest) -> tuple[Any, Action, scoped.Pattern]:
        row = rows.load(connection, wish.approval_id)
        if row.action_hash != wish.action_hash:
            raise Refused(f"What you saw is not what approval {row.id} would run.", kind="approval-mismatch")
        if not 0 < wish.seconds <= DAY:
            raise BadInput(f"A rule for {wish.seconds:g} s is not possible: it holds for at most a day, 86400 s.")
        if Risk(row.risk) not in (Risk.LOW, Risk.MEDIUM):
            raise Refused(f"Approval {row.id} is {row.risk}: no rule lets more than medium through.")
        action = parse(bytes(row.action))
        return row, action, scoped.pattern_of(action, wish.pattern)

    def _never(self, connection: Connection, action: Action, risk: Risk, task_id: int | None) -> str:
        """Say why a rule for this action can never match; "" when it can."""
        if task_id is not None and self._task_ended(connection, task_id):
            return f"task {task_id} has ended."
        ruling = self._policy.judge(action, risk)
        return "" if ruling.lifts else f"the policy decides before it ({ruling.rule})."

    def _lets(self, past: Any, like: Action, pattern: scoped.Pattern) -> bool:
        try:
            action = parse(bytes(past.action))
        except BadInput:
            return False
        same = (action.kind, action.requester) == (like.kind, like.requester)
        return same and self._policy.judge(action, Risk(past.risk)).lifts and scoped.covered(action, [pattern])

    def _task_ended(self, connection: Connection, task_id: int) -> bool:
        return connection.execute(select(task.c.state).where(task.c.id == task_id)).scalar() in ENDED

    def _ended(self, connection: Connection, row: Any) -> str:
        if row.revoked_at is not None:
            return f"revoked by {row.revoked_by}"
        rebooted = row.boot_id != self._clock.boot_id()
        if self._clock.now() >= row.ends_at or rebooted or self._clock.mono() >= row.ends_mono:
            return "the machine was restarted" if rebooted else "its time is over"
        if row.task_id is not None and self._task_ended(connection, row.task_id):
            return "its task has ended"
        return ""

    def _wire(self, connection: Connection, row: Any) -> Rule:
        ended, never = self._ended(connection, row), ""
        if not ended:
            asked = rows.load(connection, row.approval_id)
            never = self._never(connection, parse(bytes(asked.action)), Risk(asked.risk), row.task_id)
        shared = {name: getattr(row, name) for name in ("id", "approval_id", "kind", "requester", "task_id", "used")}
        times = {name: getattr(row, name) for name in ("made_at", "made_by", "ends_at")}
        return Rule(**shared, **times, pattern=scoped.words(json.loads(row.pattern)), ended=ended, never=never)


def _passed(row: Any) -> Passed:
    title = rows.viewed(row.view)["title"]
    return Passed(approval_id=row.id, task_id=row.task_id, title=title, state=str(row.state))


def _told(kind: str, pattern: scoped.Pattern, task_id: int | None, seconds: float) -> str:
    where = "in any task" if task_id is None else f"in task {task_id}"
    return f"allow {kind} {scoped.words(pattern)} {where} for {seconds:g} s"


def _digest(wish: RuleRequest, action: Action, pattern: scoped.Pattern) -> str:
    bound = [action.hash(), action.requester, pattern, wish.any_task, wish.seconds]
    return hashlib.sha256(json.dumps(bound).encode()).hexdigest()
