"""A name held in PostgreSQL: one holder, who knows when it may no longer be sure, and a gate that asks the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from tests.backend.engine.conftest import Rig
from tests.bed.backend import wait_until
from tests.bed.postgres import emptied

from aistack_backend.engine import hold as holds
from aistack_backend.engine.gate import Fenced, Gate
from aistack_backend.engine.hold import Hold, borrowed, key
from aistack_backend.engine.lease import BRAIN, NAME_FILE, WORKER, Lease
from aistack_backend.errors import Conflict
from aistack_backend.wire.tasks import TaskState

PATIENCE = 15.0


class Told:
    """Remembers what it was told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.why: list[str] = []
        self.came = threading.Event()

    def __call__(self, why: str) -> None:
        self.why.append(why)
        self.came.set()


@pytest.fixture
def server(postgres: str) -> Iterator[Engine]:
    engine = create_engine(postgres)
    yield engine
    engine.dispose()


@pytest.fixture
def told() -> Told:
    return Told()


def end_holder(server: Engine, name: str) -> None:
    query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND ((classid::bigint << 32) | objid::bigint) = :key"
    with server.connect() as connection:
        pid = connection.execute(text(query), {"key": key(name)}).scalar_one()
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_name_has_one_holder_until_it_is_given_back(server: Engine, told: Told) -> None:
    first, second = Hold(server, ("a", "b"), told), Hold(server, ("b",), told)
    assert first.take() == ""
    assert first.firm
    with server.connect() as connection:
        assert first.stands(connection)
    assert second.take() == "b"
    assert not second.firm
    assert not borrowed(server, "a", lambda: pytest.fail("it was held"))
    first.release()
    assert second.take() == ""
    did: list[int] = []
    assert borrowed(server, "a", lambda: did.append(1))
    assert did == [1]
    second.release()
    assert told.why == []


def test_a_holder_whose_session_ended_is_told_and_stands_for_nothing(server: Engine, told: Told) -> None:
    held = Hold(server, ("a",), told)
    held.take()
    end_holder(server, "a")
    with server.connect() as connection:
        assert not held.stands(connection)  # the server says so before the next beat
    assert told.came.wait(PATIENCE)
    assert told.why[0].startswith("The database ended the session that holds the name a: ")
    assert not held.firm
    assert len(told.why) == 1


def test_a_holder_that_cannot_prove_it_falls_before_the_server_gives_the_name_away(
    server: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holds.LIFE + holds.BEAT < holds.SERVER_LIFE
    monkeypatch.setattr(holds, "LIFE", 0.5)
    monkeypatch.setattr(holds, "BEAT", 60.0)
    held = Hold(server, ("a",), told)
    held.take()
    assert told.came.wait(PATIENCE)
    assert told.why == ["The name a could not be proven for 0 seconds."]
    assert not held.firm
    with server.connect() as connection:
        assert not held.stands(connection)
    held.release()


def test_the_server_ends_a_session_that_proves_nothing(
    server: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "BEAT", 60.0)
    monkeypatch.setattr(holds, "LIFE", 60.0)
    monkeypatch.setattr(holds, "_SESSION", ("SET idle_session_timeout = '300ms'",))
    held = Hold(server, ("a",), told)
    held.take()
    gone = threading.Event()
    for _ in range(100):
        if borrowed(server, "a", gone.set):
            break
        gone.wait(0.05)
    assert gone.is_set(), "the name was not given away"
    held.release()


def test_a_fenced_worker_neither_begins_nor_ends(tmp_path: Path, postgres: str, told: Told) -> None:
    rig = Rig(tmp_path, emptied(postgres))
    rig.engine.prepare()
    lease = Lease(tmp_path / "w", rig.database.engine, WORKER, told)
    lease.acquire()
    gate = Gate(rig.database, rig.registry, rig.approvals, rig.audit, rig.clock, rig.ledger, lease.stands)
    begun, waiting = rig.approved(), rig.approved()
    assert gate.begin(begun).verdict == "go"
    end_holder(rig.database.engine, lease.name)
    for call in (lambda: gate.begin(waiting), lambda: gate.abandon(begun, "x"), lambda: gate.going_on(begun)):
        with pytest.raises(Fenced):
            call()
    assert rig.state(waiting) == ("queued", None)
    assert rig.state(begun) == ("running", "begun")
    lease.release()
    rig.close()


def test_a_database_has_one_backend_and_a_folder_one_worker(
    tmp_path: Path, postgres: str, server: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aistack_backend.engine.lease.PATIENCE", 0.0)
    first = Lease(tmp_path / "a", server)
    first.acquire()
    with pytest.raises(Conflict, match="Another backend already works on this database") as refused:
        Lease(tmp_path / "b", server).acquire()
    assert "aistack-backend work" in refused.value.hint
    worker = Lease(tmp_path / "w", server, WORKER, told)
    worker.acquire()
    assert worker.name.startswith("worker-")
    with pytest.raises(Conflict, match="Another worker") as taken:
        Lease(tmp_path / "w", server, WORKER, told).acquire()
    assert "--slot" in taken.value.hint
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / NAME_FILE).write_text(worker.name)
    with pytest.raises(Conflict, match=f"under the name {worker.name}"):
        Lease(tmp_path / "copy", server, WORKER, told).acquire()
    worker.release()
    first.release()
    assert BRAIN


def test_a_backend_takes_its_name_anew_after_the_server_ended_its_session(tmp_path: Path, postgres: str) -> None:
    rig = Rig(tmp_path, emptied(postgres))
    rig.engine.start()
    assert rig.engine.wait_running(30), rig.engine.failure
    end_holder(rig.database.engine, rig.engine.name)
    again = threading.Event()
    for _ in range(200):
        if rig.engine._lease._hold is not None and rig.engine._lease._hold.firm and _held(rig, rig.engine.name):
            again.set()
            break
        again.wait(0.05)
    assert again.is_set()
    run = rig.approved()
    rig.wait_state(run.task_id, TaskState.DONE)
    rig.close()


def test_a_backend_whose_database_stalls_takes_its_names_from_its_own_old_session(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "LIFE", 1.0)
    monkeypatch.setattr(holds, "BEAT", 60.0)
    rig = Rig(tmp_path, emptied(postgres))
    rig.engine.start()
    assert rig.engine.wait_running(30), rig.engine.failure
    hold: Any = rig.engine._lease._hold
    first = hold._pid
    wait_until(lambda: hold._pid != first and hold.firm, 20, "it was not taken anew")
    assert rig.engine.failure == ""
    run = rig.approved()
    rig.wait_state(run.task_id, TaskState.DONE)
    rig.close()


def _held(rig: Rig, name: str) -> bool:
    return not borrowed(rig.database.engine, name, lambda: None)
