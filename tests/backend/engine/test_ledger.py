"""The effect ledger: every state leaves BEGUN once, and only BEGUN is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from aistack_backend.clock import HandClock
from aistack_backend.engine.ledger import LIMIT, EffectState, Ledger, effect_key
from aistack_backend.errors import Conflict
from aistack_backend.store.database import Database
from aistack_backend.store.tables import approval, task

ENDS = [EffectState.DONE, EffectState.FAILED, EffectState.CANCELLED, EffectState.UNKNOWN]
KEY = effect_key(1, 1, 1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/a.db")
    with database.tx() as connection:
        connection.execute(
            insert(task).values(id=1, goal="g", requester="r", state="queued", created_at=1.0, updated_at=1.0)
        )
        connection.execute(
            insert(approval).values(
                id=1,
                task_id=1,
                state="used",
                kind="k",
                risk="low",
                action_hash="h",
                action="{}",
                view="{}",
                requester="r",
                created_at=1.0,
                expires_at=2.0,
                boot_id="b",
                expires_mono=1.0,
            )
        )
    yield database
    database.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(HandClock())


def begin(database: Database, ledger: Ledger) -> None:
    with database.tx() as connection:
        ledger.begin(connection, KEY, task_id=1, approval_id=1, kind="note.append")


def state(database: Database, ledger: Ledger) -> tuple[EffectState, str]:
    with database.read() as connection:
        entry = ledger.find(connection, KEY)
    assert entry is not None
    return entry.state, entry.outcome


def test_a_key_that_never_began_is_not_found(database: Database, ledger: Ledger) -> None:
    with database.read() as connection:
        assert ledger.find(connection, KEY) is None


def test_a_key_begins_once(database: Database, ledger: Ledger) -> None:
    begin(database, ledger)
    with pytest.raises(IntegrityError):
        begin(database, ledger)
    assert state(database, ledger) == (EffectState.BEGUN, "")


def test_a_begin_that_is_rolled_back_leaves_nothing(database: Database, ledger: Ledger) -> None:
    def broken() -> None:
        with database.tx() as connection:
            ledger.begin(connection, KEY, task_id=1, approval_id=1, kind="note.append")
            raise RuntimeError("roll back")

    with pytest.raises(RuntimeError, match="roll back"):
        broken()
    with database.read() as connection:
        assert ledger.find(connection, KEY) is None


@pytest.mark.parametrize("first", ENDS)
def test_it_ends_once(database: Database, ledger: Ledger, first: EffectState) -> None:
    begin(database, ledger)
    with database.tx() as connection:
        ledger.end(connection, KEY, first, "one")
    for second in ENDS:
        with pytest.raises(Conflict, match="not running"), database.tx() as connection:
            ledger.end(connection, KEY, second, "two")
    assert state(database, ledger) == (first, "one")


def test_what_never_began_cannot_end(database: Database, ledger: Ledger) -> None:
    with pytest.raises(Conflict, match="1:1:a1:1"), database.tx() as connection:
        ledger.end(connection, KEY, EffectState.DONE, "")


def test_an_outcome_is_cut_at_its_limit(database: Database, ledger: Ledger) -> None:
    begin(database, ledger)
    with database.tx() as connection:
        ledger.end(connection, KEY, EffectState.DONE, "x" * (LIMIT + 5))
    assert len(state(database, ledger)[1]) == LIMIT


def test_a_stop_is_written_on_begun_effects_only(database: Database, ledger: Ledger) -> None:
    with database.tx() as connection:
        assert not ledger.ask_stop(connection, 1, "Stopped by operator:x.")
    begin(database, ledger)
    with database.tx() as connection:
        assert ledger.ask_stop(connection, 1, "Stopped by operator:x.")
    assert state(database, ledger) == (EffectState.BEGUN, "Stopped by operator:x.")
    with database.tx() as connection:
        ledger.end(connection, KEY, EffectState.DONE, "done")
        assert not ledger.ask_stop(connection, 1, "too late")
