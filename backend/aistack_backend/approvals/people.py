"""Two people (R1.14): which actions need two, and who counts as another person."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, insert, select

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import parse
from aistack_backend.approvals.policy import Policy, TwoPeople
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.risk import KINDS, SHELL
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Refused
from aistack_backend.store.people_tables import first_yes
from aistack_backend.store.tables import approval, task
from aistack_backend.store.tree_tables import task_parent
from aistack_backend.wire.actions import ApprovalState, Risk
from aistack_backend.wire.config import ApprovalsConfig

DEEPEST = 64
"""Tasks above a task that are looked at."""
FIRST = "approve-first"
"""The decision that is recorded for the first yes of two."""


@dataclass(frozen=True, slots=True)
class Who:
    """One person as an actor names one: the account, and the operator's name where a key proved it."""

    name: str
    account: str


def who_is(actor: str) -> Who | None:
    """Return the person behind ``operator:ACCOUNT`` or ``operator:NAME/ACCOUNT``; None for anything else."""
    kind, _, rest = actor.partition(":")
    if kind != "operator" or not rest:
        return None
    name, slash, account = rest.partition("/")
    return Who(name, account) if slash else Who("", rest)


def same(one: Who, other: Who) -> bool:
    """Whether the two may be one person: one name, or one account unless two names on it are proven."""
    if one.name and other.name:
        return one.name == other.name
    return one.account == other.account


def wanted(row: Any, policy: Policy) -> int:
    """Return how many people must say yes: what was asked for, or more when the policy has become stricter."""
    stored = rows.viewed(row.view)["people"]
    told = stored if isinstance(stored, int) else 2
    try:
        action = parse(bytes(row.action))
    except BadInput:
        return max(told, 2)
    return max(told, policy.people(action, Risk(row.risk)))


def first(connection: Connection, row: Any) -> Any:
    """Return the first yes of an approval, or None."""
    return connection.execute(select(first_yes).where(first_yes.c.approval_id == row.id)).first()


def keep(connection: Connection, clock: Clock, row: Any, person: Person) -> None:
    """Write down the first yes."""
    values = {"first_by": person.actor, "first_uid": person.uid, "first_via": person.via, "first_at": clock.now()}
    connection.execute(insert(first_yes).values(approval_id=row.id, action_hash=row.action_hash, **values))


def refusal(connection: Connection, row: Any, person: Person, policy: Policy, before: Any) -> Refused | None:
    """Say why this person's yes does not count towards two; None when it does."""
    me = who_is(person.actor)
    if me is None or (policy.two.named and not me.name):
        detail = f"Approval {row.id} needs two named people, and you have no name here."
        return Refused(detail, "Put the path of your operator key into console.operator_key.", kind="approval-unnamed")
    if any(same(me, asker) for asker in askers(connection, row)):
        detail = f"You asked for approval {row.id} yourself, or from the same account: two others have to approve it."
        return Refused(detail, "Ask them; you can deny it.", kind="approval-own-request")
    if before is not None and before.action_hash != row.action_hash:
        detail = f"The first yes to approval {row.id} was for another action."
        return Refused(detail, "Deny it, and find out who changed it.", kind="approval-mismatch")
    if before is not None and (earlier := who_is(before.first_by)) and same(me, earlier):
        detail = f"You have said yes to approval {row.id} already: another person has to approve it as well."
        return Refused(detail, "Ask somebody else; you can still deny it.", kind="approval-same-person")
    return None


def askers(connection: Connection, row: Any) -> tuple[Who, ...]:
    """Return every person behind a request: who asked, who asked for the tasks above it, who edited it."""
    actors, task_id = [row.requester], row.task_id
    for _ in range(DEEPEST):
        actors += connection.execute(select(task.c.requester).where(task.c.id == task_id)).scalars()
        above = connection.execute(select(task_parent.c.parent_id).where(task_parent.c.task_id == task_id)).scalar()
        if above is None:
            break
        task_id = above
    replaced = (approval.c.task_id == row.task_id) & (approval.c.state == ApprovalState.SUPERSEDED)
    actors += connection.execute(select(approval.c.decided_by).where(replaced)).scalars()
    return tuple(found for actor in dict.fromkeys(actors) if (found := who_is(actor)))


def configured(wish: ApprovalsConfig, *, named: bool) -> TwoPeople:
    """Return what needs two people here; ``named``: operators have keys.

    Raises:
        BadInput: a kind that no rule knows could never match.
    """
    kinds = frozenset(one.strip() for one in wish.two_people_kinds.split(",") if one.strip())
    known = {*KINDS, SHELL}
    for kind in sorted(kinds - known):
        near = get_close_matches(kind, known, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(sorted(known))}."
        raise BadInput(f"approvals.two_people_kinds names {kind!r}, which is no kind of action.", hint)
    return TwoPeople(risk=wish.two_people, kinds=kinds, named=named)
