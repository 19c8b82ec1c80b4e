"""Pace: who approves, or asks, too often within a minute stops until a person takes a deliberate step (R1.16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from aistack_backend.approvals.people import DEEPEST, same, who_is
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Conflict, Refused
from aistack_backend.store.people_tables import first_yes, went_on
from aistack_backend.store.tables import approval
from aistack_backend.store.tree_tables import task_parent
from aistack_backend.wire.actions import GO_ON, ApprovalState, GoOnRequest

WINDOW = 60.0
"""Seconds that are looked at."""
PAUSED = "approval-pause"
"""The type of the refusal."""
_YES = (ApprovalState.APPROVED, ApprovalState.USED, ApprovalState.STALE, ApprovalState.MISMATCH)


class Pace:
    """Counts in the caller's transaction. ``most``: approvals, or requests, within a minute; 0 = any number."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self.most = most

    def check(self, connection: Connection, row: Any, person: Person) -> None:
        """Let a yes through, or say what is paused.

        Raises:
            Rejection: this person, or the task that asks, has to stop first.
        """
        if why := self.held(connection, row.task_id) or self._hasty(connection, row, person):
            hint = f"Read what you approve. Then take the step {GO_ON!r}, or deny it."
            raise Rejection(Refused(why, hint, kind=PAUSED))

    def held(self, connection: Connection, task_id: int) -> str:
        """Say why nothing of this task is approved now: it and what it started asked too often; "" = it is."""
        if not self.most:
            return ""
        root = _root(connection, task_id)
        mine = approval.c.task_id.in_(_tree(connection, root)) & (approval.c.decided_by != "policy")
        since = self._since(connection, f"task {root}")
        asked = select(approval.c.created_at).where(mine & (approval.c.created_at > since))
        times = sorted(connection.execute(asked).scalars())
        if all(late - early > WINDOW for early, late in zip(times, times[self.most :], strict=False)):
            return ""
        return f"Task {root} and what it started asked more than {self.most} times within a minute: it is paused."

    def lately(self, connection: Connection, person: Person) -> int:
        """Return how many requests of others this person has approved in the last minute, or since going on."""
        me = who_is(person.actor)
        since = max(self._clock.now() - WINDOW, self._since(connection, person.actor))
        decided = select(approval.c.decided_by, approval.c.requester)
        decided = decided.where((approval.c.decided_at > since) & approval.c.state.in_(_YES))
        halves = select(first_yes.c.first_by).where(first_yes.c.first_at > since)
        said = [row.decided_by for row in connection.execute(decided) if row.requester != row.decided_by]
        said += connection.execute(halves).scalars()
        return sum(1 for actor in said if me and (other := who_is(actor)) and same(me, other))

    def go_on(self, connection: Connection, row: Any, request: GoOnRequest, person: Person) -> list[str]:
        """Take the deliberate step; return who, or what, goes on.

        Raises:
            BadInput: the words are not the ones that are asked for.
            Conflict: nothing is paused.
        """
        if request.words.strip().lower() != GO_ON:
            raise BadInput(f"The words are not right: type {GO_ON}.")
        root = _root(connection, row.task_id)
        paused = [person.actor] if self._hasty(connection, row, person) else []
        paused += [f"task {root}"] if self.held(connection, row.task_id) else []
        if not paused:
            raise Conflict("Nothing is paused: approve or deny it.")
        for subject in paused:
            connection.execute(delete(went_on).where(went_on.c.subject == subject))
            connection.execute(insert(went_on).values(subject=subject, at=self._clock.now(), by=person.actor))
        return paused

    def _hasty(self, connection: Connection, row: Any, person: Person) -> str:
        if not self.most or row.requester == person.actor or self.lately(connection, person) < self.most:
            return ""
        return f"You approved {self.most} requests within a minute: approving is paused for you."

    def _since(self, connection: Connection, subject: str) -> float:
        at = connection.execute(select(went_on.c.at).where(went_on.c.subject == subject)).scalar()
        return -1.0 if at is None else float(at)


def _root(connection: Connection, task_id: int) -> int:
    for _ in range(DEEPEST):
        above = connection.execute(select(task_parent.c.parent_id).where(task_parent.c.task_id == task_id)).scalar()
        if above is None:
            break
        task_id = above
    return task_id


def _tree(connection: Connection, root: int) -> Sequence[int]:
    found, level = [root], [root]
    for _ in range(DEEPEST):
        below = select(task_parent.c.task_id).where(task_parent.c.parent_id.in_(level))
        level = list(connection.execute(below).scalars())
        if not level:
            break
        found += level
    return found
