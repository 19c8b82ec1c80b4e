"""One contract on SQLite and on PostgreSQL: transactions, the chain, the gate."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from tests.bed.postgres import PATIENCE, emptied

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock
from aistack_backend.errors import AlreadyDecided, Refused, Unavailable
from aistack_backend.store.database import Database, after
from aistack_backend.store.schema import VERSION, version
from aistack_backend.store.tables import approval, meta, task
from aistack_backend.wire.actions import ApprovalState, DecideRequest, Target, Verdict
from aistack_backend.wire.audit import Phase


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/aistack.db"
    return emptied(request.getfixturevalue("postgres"), "queue")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Give that database, opened."""
    opened = Database(url)
    yield opened
    opened.close()


def new_task(connection: Connection) -> int:
    """Store a task and return its id."""
    new = insert(task).values(goal="größe \u2028 ☃", requester="r", state="s", created_at=1.5, updated_at=0)
    return int(connection.execute(new.returning(task.c.id)).scalar_one())


def count(database: Database) -> int:
    """Return how many tasks are stored."""
    with database.read() as connection:
        return len(connection.execute(select(task)).all())


def test_what_commits_stays_and_what_fails_is_gone(database: Database) -> None:
    with database.tx() as connection:
        new_task(connection)

    def fail() -> None:
        with database.tx() as connection:
            new_task(connection)
            raise Refused("no")

    with pytest.raises(Refused):
        fail()
    assert count(database) == 1
    with database.read() as connection:
        row = connection.execute(select(task)).one()
    assert (row.goal, row.created_at) == ("größe \u2028 ☃", 1.5)


def test_what_is_written_while_reading_is_not_kept(database: Database) -> None:
    with database.read() as connection:
        new_task(connection)
    assert count(database) == 0


def test_two_reads_see_one_moment(database: Database) -> None:
    count = select(func.count()).select_from(task)
    with database.read() as connection:
        before = connection.execute(count).scalar_one()
        with database.tx() as other:
            new_task(other)
        assert connection.execute(count).scalar_one() == before
    with database.read() as connection:
        assert connection.execute(count).scalar_one() == before + 1, "and the next sees the next"
    with database.tx() as connection:
        assert connection.execute(count).scalar_one() == before + 1


def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    with database.tx() as connection:
        new_task(connection)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(count, database).result(PATIENCE) == 0
    assert count(database) == 1


def test_the_second_writer_waits_for_the_first(database: Database) -> None:
    inside, order = Event(), list[str]()

    def second() -> None:
        inside.wait(PATIENCE)
        with database.tx() as connection:
            order.append("second")
            new_task(connection)

    thread = Thread(target=second)
    thread.start()
    with database.tx() as connection:
        inside.set()
        new_task(connection)
        thread.join(0.2)  # long enough to get in, if it could
        order.append("first")
    thread.join(PATIENCE)
    assert order == ["first", "second"]
    assert count(database) == 2


def test_hooks_run_when_the_transaction_has_ended_either_way(database: Database) -> None:
    seen: list[int] = []

    def hook() -> None:
        seen.append(count(database))

    with database.tx() as connection:
        new_task(connection)
        assert after(connection, hook)
        assert seen == []

    def fail() -> None:
        with database.tx() as connection:
            new_task(connection)
            after(connection, hook)
            raise Refused("no")

    with pytest.raises(Refused):
        fail()
    assert seen == [1, 1]
    with database.read() as connection:
        assert not after(connection, hook)


def test_a_faulty_statement_is_not_a_faulty_database(database: Database) -> None:
    def double() -> None:
        with database.tx() as connection:
            connection.execute(insert(meta).values(key="schema", value="x"))

    with pytest.raises(IntegrityError):
        double()


def test_the_schema_has_a_version_and_a_newer_one_is_refused(database: Database, url: str) -> None:
    with database.read() as connection:
        assert version(connection) == VERSION
    Database(url).close()
    with database.tx() as connection:
        connection.execute(update(meta).values(value=str(VERSION + 1)))
    with pytest.raises(Unavailable, match=f"has schema {VERSION + 1}; this version knows {VERSION}"):
        Database(url)


def test_many_threads_write_one_chain(database: Database, tmp_path: Path) -> None:
    log = AuditLog(database, tmp_path / "audit", HandClock())

    def write(number: int) -> int:
        return log.note(phase=Phase.NOTE, actor=f"thread {number}", kind="k", detail={"größe": number})

    with ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(write, range(120)))
    assert sorted(seqs) == list(range(2, 122))
    check = log.verify()
    assert (check.ok, check.count, check.witnessed) == (True, 121, 121)
    with database.tx() as connection:
        connection.execute(text("UPDATE event SET actor = 'nobody' WHERE seq = 60"))
    assert log.verify().first_bad == 60
    log.close()


class TableQueue:
    """A queue as a table."""

    def enqueue(self, connection: Connection, task_id: int, approval_id: int, revision: int) -> None:
        """Write the row in the caller's transaction."""
        values = {"a": approval_id, "t": task_id, "r": revision}
        connection.execute(text("INSERT INTO queue VALUES (:a, :t, :r)"), values)


@pytest.fixture
def approvals(database: Database, tmp_path: Path) -> Iterator[Approvals]:
    """Give a gate on that database."""
    with database.tx() as connection:
        connection.execute(text("CREATE TABLE queue (a BIGINT PRIMARY KEY, t BIGINT, r BIGINT)"))
    log = AuditLog(database, tmp_path / "audit", HandClock())
    gate = Approvals(database, log, Policy(), HandClock(), Bus())
    gate.enqueue = TableQueue()
    yield gate
    log.close()


ACTION = Action(
    kind="container.restart", targets=(Target(type="container", id="c", name="wéb"),), requester="agent:planner"
)
ROOT = Person(uid=0, gid=0, pid=1, user="root")


def ask(database: Database, gate: Approvals) -> tuple[int, DecideRequest]:
    """Ask for something that needs a person; give its id and the yes."""
    with database.tx() as connection:
        evidence = Evidence(title="restart wéb", managed=True)
        asked = gate.request(connection, ACTION, evidence, task_id=new_task(connection), via="test")
    return asked.id, DecideRequest(verdict=Verdict.APPROVE, action_hash=asked.action_hash)


def test_the_gate_gives_one_use(database: Database, approvals: Approvals) -> None:
    approval_id, yes = ask(database, approvals)
    approvals.decide(approval_id, yes, ROOT)

    def use(_: int) -> str:
        try:
            with database.tx() as connection:
                return approvals.begin(connection, approval_id, lambda _: "").targets[0].name
        except Refused:
            return ""

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(use, range(6))) == [""] * 5 + ["wéb"]
    assert approvals.get(approval_id).state is ApprovalState.USED


def test_one_of_many_decisions_wins(database: Database, approvals: Approvals) -> None:
    for _ in range(5):
        approval_id, yes = ask(database, approvals)

        def decide(_: int, approval_id: int = approval_id, yes: DecideRequest = yes) -> bool:
            try:
                approvals.decide(approval_id, yes, ROOT)
            except AlreadyDecided:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(decide, range(6))) == 1


def test_a_changed_record_does_not_run(database: Database, approvals: Approvals) -> None:
    approval_id, yes = ask(database, approvals)
    approvals.decide(approval_id, yes, ROOT)
    with database.tx() as connection:
        connection.execute(update(approval).values(action=ACTION.canonical().decode().replace("wéb", "db")))

    def use() -> None:
        with database.tx() as connection:
            approvals.begin(connection, approval_id, lambda _: "")

    with pytest.raises(Refused, match="stored action was changed"):
        use()
    assert approvals.get(approval_id).state is ApprovalState.MISMATCH
