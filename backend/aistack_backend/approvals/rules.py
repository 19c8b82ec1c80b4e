"""Rules as people use them: rehearse, make, list and revoke, each making and revoking audited (R1.11, R2.1)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from aistack_backend.approvals.decision import who
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.rulebook import Rulebook
from aistack_backend.audit.log import AuditLog
from aistack_backend.errors import BackendError
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.rules import Rehearsal, Rule, RuleList, RuleRequest


class Rules:
    """What only a person on the operator's socket may call."""

    def __init__(self, database: Database, audit: AuditLog, book: Rulebook) -> None:
        self._database = database
        self._audit = audit
        self._book = book

    def rehearse(self, wish: RuleRequest) -> Rehearsal:
        """Return what a rule would have let through; makes nothing. Raises as ``Rulebook.rehearse``."""
        with self._database.read() as connection:
            return self._book.rehearse(connection, wish)

    def make(self, wish: RuleRequest, person: Person) -> Rule:
        """Make a rule; every attempt is audited. Raises as ``Rulebook.make``."""
        name = f"approval {wish.approval_id}"
        return self._audited("rule.make", name, person, lambda connection: self._book.make(connection, wish, person))

    def revoke(self, rule_id: int, person: Person) -> Rule:
        """End a rule; every attempt is audited. Raises as ``Rulebook.revoke``."""
        name = f"rule {rule_id}"
        return self._audited(
            "rule.revoke", name, person, lambda connection: self._book.revoke(connection, rule_id, person)
        )

    def list(self) -> RuleList:
        """Return the rules that hold, then those that ended."""
        with self._database.read() as connection:
            return self._book.list(connection)

    def _audited(self, kind: str, name: str, person: Person, do: Callable[[Connection], Rule]) -> Rule:
        with self._database.tx() as connection:
            try:
                done: Rule | BackendError = do(connection)
            except BackendError as error:  # nothing was written; its record is to be committed
                done = error
            failed = isinstance(done, BackendError)
            self._audit.append(
                connection,
                phase=Phase.NOTE if failed else Phase.DECISION,
                actor=person.actor,
                via=person.via,
                kind=kind,
                object=name if isinstance(done, BackendError) else f"{done.kind} {done.pattern}",
                decision="" if failed else kind.removeprefix("rule."),
                outcome=f"refused: {done.detail}" if isinstance(done, BackendError) else "",
                detail=who(person) if isinstance(done, BackendError) else who(person) | _scope(done),
            )
        self._audit.seal()
        if isinstance(done, BackendError):
            raise done
        return done


def _scope(rule: Rule) -> dict[str, object]:
    scope = {"rule": rule.id, "approval": rule.approval_id, "task": rule.task_id}
    return scope | {"ends_at": rule.ends_at, "requester": rule.requester}
