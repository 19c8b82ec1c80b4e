"""The note's lines about telemetry and learning: fail while there is nothing, pass for what was measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from tests.backend.learning.world import learning_on, told

from aistack_backend.clock import SystemClock
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.learning.models import Interaction
from aistack_backend.learning.service import Learning
from aistack_backend.observe import taught
from aistack_backend.observe.ground import Ground
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import run
from aistack_backend.wire.checklist import TickState
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Stack

PASS, FAIL, UNKNOWN = TickState.PASS, TickState.FAIL, TickState.UNKNOWN
STACK = Stack(at=0.0, source=Source(name="stack", state=SourceState.OK, since=0.0))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = Database(f"sqlite:///{tmp_path}/t.db")
    yield held
    held.close()


@pytest.fixture
def learning(database: Database) -> Learning:
    made = learning_on(database)
    made.telemetry._clock = SystemClock()
    return made


def test_without_a_store_nothing_is_known() -> None:
    ground = Ground(STACK, MemoryPodman())
    for ask in (taught.tasks_told, taught.stored, taught.daemon, taught.patterns, taught.samples):
        assert ask(ground)[0] is UNKNOWN


async def test_each_line_fails_before_and_passes_after(database: Database, learning: Learning) -> None:
    ground = Ground(STACK, MemoryPodman(), database=database)
    asks = (taught.tasks_told, taught.stored, taught.daemon, taught.patterns, taught.samples)
    assert [ask(ground)[0] for ask in asks] == [FAIL] * 5
    assert taught.daemon(ground) == (FAIL, "No run was made yet.")
    told(learning, 12)
    learning.telemetry.record(Interaction(source="task", event="ended", ok=True))
    await learning.run("timer")
    found = [ask(ground) for ask in asks]
    assert [state for state, _ in found] == [PASS] * 5, found
    assert found[0][1] == "1 ends of tasks are in the telemetry."
    assert found[1][1] == "13 interactions of the last hour are in the telemetry."


def test_a_run_that_failed_or_goes_on(database: Database) -> None:
    ground = Ground(STACK, MemoryPodman(), database=database)
    with database.tx() as connection:
        connection.execute(insert(run).values(began_at=time.time(), by="timer"))
    assert taught.daemon(ground)[0] is PASS
    with database.tx() as connection:
        connection.execute(update(run).values(ok=0, detail="The store is full."))
    state, detail = taught.daemon(ground)
    assert (state, detail.endswith("The store is full..")) == (FAIL, False)
    assert "The store is full." in detail


def test_the_log_and_the_sql_of_the_containers() -> None:
    podman = MemoryPodman()
    box = podman.world.add(taught.HYBRID)
    podman.world.add(taught.POSTGRES)
    ground = Ground(STACK, podman)
    assert taught.told("Learning")(ground) == (FAIL, "0 lines with Learning.")
    podman.world.say(box, b"INFO Learning run 1: 0 judged read")
    podman.world.say(box, b"something else")
    state, detail = taught.told("Learning")(ground)
    assert (state, detail) == (PASS, "1 lines with Learning. The last: INFO Learning run 1: 0 judged read")
    assert taught.counted(ground)[0] is FAIL  # no psql is in it
