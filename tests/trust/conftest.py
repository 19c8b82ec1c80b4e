"""One small trust core for each test: real SQLite file, real witness, a queue that is a table."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.policy import Policy, TwoPeople
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.request import Limits
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.witness import Disk
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock
from aistack_backend.store.database import Database
from aistack_backend.store.tables import task
from aistack_backend.store.tree_tables import task_parent
from aistack_backend.wire.actions import Approval, DecideRequest, Target, Verdict
from aistack_backend.wire.audit import AuditRecord

EVIDENCE = Evidence(title="restart container web", effect="interrupts web", undo="none", managed=True)
ACTION = Action(
    kind="container.restart",
    argv=("podman", "restart", "web"),
    targets=(Target(type="container", id="c" * 64, name="web", pin="started 5"),),
    requester="agent:planner",
)
CREATE = "CREATE TABLE IF NOT EXISTS test_queue (approval_id INTEGER PRIMARY KEY, task_id INTEGER, revision INTEGER)"


class TableQueue:
    """An engine's queue as a table: what is rolled back was never enqueued, and nothing is enqueued twice."""

    def enqueue(self, connection: Connection, task_id: int, approval_id: int, revision: int) -> None:
        """Write the row in the caller's transaction."""
        values = {"a": approval_id, "t": task_id, "r": revision}
        connection.execute(text("INSERT INTO test_queue VALUES (:a, :t, :r)"), values)


@dataclass
class World:
    """Everything of the trust core, and the ways to use it that tests repeat."""

    folder: Path
    threshold: str = "medium"
    rules: tuple[Any, ...] = ()
    two: TwoPeople | None = None
    limits: Limits | None = None
    disk: Disk | None = None
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.database = Database(f"sqlite:///{self.folder}/aistack.db")
        with self.database.tx() as connection:
            connection.execute(text(CREATE))
        self.bus = Bus()
        self.open()

    def open(self) -> None:
        """Start, or start again, what keeps state in memory."""
        self.audit = AuditLog(self.database, self.folder / "audit", self.clock, bus=self.bus, disk=self.disk)
        policy = Policy(self.threshold, self.rules, self.two)
        self.approvals = Approvals(self.database, self.audit, policy, self.clock, self.bus, self.limits)
        self.approvals.enqueue = TableQueue()

    def restart(self) -> None:
        """End the backend's memory and begin anew on the same files."""
        self.close()
        self.database = Database(self.database.url)
        self.open()

    def close(self) -> None:
        """Close the files."""
        self.audit.close()
        self.database.close()

    def task(self, requester: str = "r", parent: int = 0) -> int:
        """Store a task and return its id."""
        with self.database.tx() as connection:
            new = insert(task).values(goal="g", requester=requester, state="submitted", created_at=0, updated_at=0)
            made = int(connection.execute(new.returning(task.c.id)).scalar_one())
            if parent:
                connection.execute(insert(task_parent).values(task_id=made, parent_id=parent, node=f"n{made}"))
            return made

    def ask(self, action: Action = ACTION, evidence: Evidence = EVIDENCE, task_id: int = 0, **more: Any) -> Approval:
        """Ask in a transaction of its own and seal."""
        task_id = task_id or self.task()
        with self.database.tx() as connection:
            asked = self.approvals.request(connection, action, evidence, task_id=task_id, via="test", **more)
        self.audit.seal()
        return asked

    def decide(self, asked: Approval, verdict: str = "approve", who: str = "root", **more: Any) -> Approval:
        """Decide as a person who saw everything and types what is needed."""
        reason = more.pop("reason", "no" if verdict == "deny" else "")
        request = DecideRequest(
            verdict=Verdict(verdict),
            action_hash=asked.action_hash,
            reason=reason,
            code=asked.code,
            typed_name=asked.typed_name,
        )
        return self.approvals.decide(asked.id, replace(request, **more), person(*who.split("@")))

    def begin(self, approval_id: int, recheck: Callable[[Action], str] = lambda _: "") -> Action:
        """Use an approval in a transaction of its own."""
        with self.database.tx() as connection:
            return self.approvals.begin(connection, approval_id, recheck)

    def queued(self) -> list[int]:
        """Return the approvals that were handed to the engine."""
        with self.database.read() as connection:
            return [row[0] for row in connection.execute(text("SELECT approval_id FROM test_queue"))]

    def records(self, words: str = "") -> tuple[AuditRecord, ...]:
        """Return the newest audit records that contain ``words``."""
        return self.audit.page(1000, text=words).records

    def sql(self, statement: str, **values: Any) -> None:
        """Change the database behind everybody's back."""
        with self.database.tx() as connection:
            connection.execute(text(statement), values)

    def rows(self, table: Any) -> list[Any]:
        """Return a table's rows."""
        with self.database.read() as connection:
            return list(connection.execute(select(table)))


def person(name: str = "root", account: str = "") -> Person:
    """Return a person as the socket would name them; with an account, one whose name a key proved."""
    told = {"name": name} if account else {}
    return Person(uid=0, gid=0, pid=4711, user=account or name, via="tui", session="ssh 127.0.0.1", **told)


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Give a maker of worlds; closes them all."""
    made: list[World] = []
    number = itertools.count()

    def make(**options: Any) -> World:
        folder = tmp_path / f"world{next(number)}"
        folder.mkdir()
        made.append(World(folder, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Give one world with the shipped defaults."""
    return make_world()


@pytest.fixture
def rng() -> random.Random:
    """Give seeded randomness."""
    return random.Random(20261123)


@pytest.fixture
def action() -> Action:
    """Give a medium action on a managed container."""
    return ACTION


@pytest.fixture
def evidence() -> Evidence:
    """Give what belongs to ``action``."""
    return EVIDENCE


@pytest.fixture
def tried(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Give a printer of counts: what was tried and what failed, on the terminal and in the report."""

    def tell(requirement: str, count: int, failed: int, what: str) -> None:
        record_property(requirement, f"{count} tried, {failed} failed")
        with capsys.disabled():
            print(f"\n  {requirement}: {count} tried, {failed} failed ({what})", end="")

    return tell
