"""Which task started which: one task a node, found again, never made twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from aistack_backend.clock import HandClock
from aistack_backend.orchestration import board, tree
from aistack_backend.orchestration.tree import Under
from aistack_backend.store.database import Database
from aistack_backend.wire.tasks import TaskState


def make(database: Database, goal: str, under: Under | None = None) -> int:
    with database.tx() as connection:
        made = board.create(
            connection, HandClock(), goal=goal, requester="operator:ann", via="cli", state=TaskState.SUBMITTED
        )
        if under:
            tree.link(connection, made, under)
    return made


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/aistack.db")


def test_a_node_is_found_again(database: Database) -> None:
    root = make(database, "deploy")
    first = make(database, "start", Under(root, "start"))
    second = make(database, "check", Under(root, "check"))
    with database.read() as connection:
        assert tree.child(connection, Under(root, "start")) == first
        assert tree.child(connection, Under(root, "stop")) is None
        assert tree.children(connection, root) == {"start": first, "check": second}
        assert tree.parents(connection) == {first: Under(root, "start"), second: Under(root, "check")}


def test_a_second_task_of_a_node_and_a_parent_that_is_not_there_are_refused(database: Database) -> None:
    root = make(database, "deploy")
    make(database, "start", Under(root, "start"))
    for wrong in (Under(root, "start"), Under(root + 100, "start")):
        with pytest.raises(IntegrityError):
            make(database, "again", wrong)
    with database.read() as connection:
        assert len(board.newest(connection).tasks) == 2, "a refused child left a task behind"
