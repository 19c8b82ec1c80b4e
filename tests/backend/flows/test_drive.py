"""One life of a run over real rows: what is done is written, also when the database cannot take it at once."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import HandClock
from aistack_backend.engine import taskrow
from aistack_backend.orchestration import board
from aistack_backend.orchestration.flows import rows
from aistack_backend.orchestration.flows.checks import Known
from aistack_backend.orchestration.flows.drive import Drive, Means, Place
from aistack_backend.orchestration.flows.models import FlowDecl, StepDecl
from aistack_backend.orchestration.flows.reader import read
from aistack_backend.orchestration.flows.rows import Asked, Ended
from aistack_backend.store.database import Database
from aistack_backend.wire.flows import StepState
from aistack_backend.wire.tasks import TaskState

TEXT = """
title: Two looks
steps:
  one: {read: host}
  two: {read: host, needs: one}
outputs: {said: "${steps.two.text}"}
"""


class Looks:
    """Works steps; ``block`` is done before the first one returns."""

    def __init__(self, block: sqlite3.Connection) -> None:
        self.block = block
        self.done: list[str] = []

    async def do(self, step: StepDecl, place: Place) -> Ended | int:
        """Give the step's own name."""
        if not self.done:
            self.block.execute("BEGIN IMMEDIATE")
        self.done.append(step.id)
        return Ended(state=StepState.DONE, result={"text": step.id})


class Mend(logging.Handler):
    """Lets go of the database as soon as somebody was told to wait."""

    def __init__(self, block: sqlite3.Connection) -> None:
        super().__init__()
        self.block = block
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take note, and let go."""
        self.told.append(record.getMessage())
        if self.block.in_transaction:
            self.block.execute("COMMIT")


@pytest.fixture
def flow() -> FlowDecl:
    found = read("looks", TEXT, "looks.yml", Known(actions=(), engines=()))
    assert found.flow is not None, found.faults
    return found.flow


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr("aistack_backend.store.database.BUSY_MS", 50)
    made = Database(f"sqlite:///{tmp_path}/a.db")
    yield made
    made.close()


def test_a_result_that_could_not_be_written_at_once_is_not_lost(
    flow: FlowDecl, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aistack_backend.orchestration.flows.drive.AGAIN", 0.01)
    clock = HandClock()
    audit = AuditLog(database, tmp_path / "audit", clock)
    with database.tx() as connection:
        number = board.create(connection, clock, goal="g", requester="operator:me", via="", state=TaskState.RUNNING)
        rows.create(connection, number, Asked(flow=flow, source=TEXT, inputs={}), {})
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    works, mend = Looks(other), Mend(other)
    logger = logging.getLogger("aistack_backend.orchestration.flows.drive")
    logger.addHandler(mend)
    try:
        means = Means(database=database, clock=clock, audit=audit, read=lambda *_: flow, changed=lambda _: None)
        asyncio.run(asyncio.wait_for(Drive(means, works, number).go(), 60))
    finally:
        logger.removeHandler(mend)
        other.close()
        audit.close()
    assert any("waits to be written" in one for one in mend.told)
    assert works.done == ["one", "two"], "no step is done twice for it"
    with database.read() as connection:
        assert taskrow.read(connection, number)["state"] == TaskState.DONE
        assert {row["state"] for row in rows.steps(connection, number).values()} == {StepState.DONE}
