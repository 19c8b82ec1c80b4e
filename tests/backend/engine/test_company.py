"""Processes that share a database: they know each other, and a worker elsewhere goes by the backend's clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.backend.engine.conftest import Rig
from tests.bed.postgres import emptied

from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.service import Approvals
from aistack_backend.clock import Beat, FollowedClock, HandClock
from aistack_backend.engine.gate import Gate, Verdict
from aistack_backend.engine.hold import Hold
from aistack_backend.engine.lease import BACKEND, WORKER
from aistack_backend.engine.members import FORGOTTEN, Members
from aistack_backend.errors import Unavailable
from aistack_backend.orchestration import work
from aistack_backend.orchestration.fetch.tool import FetchTool
from aistack_backend.orchestration.work import WorkProcess
from aistack_backend.store.member_tables import engine_member

DAYS = 3 * 86_400.0


@pytest.fixture
def rig(tmp_path: Path, postgres: str) -> Iterator[Rig]:
    rig = Rig(tmp_path, emptied(postgres), anywhere=(FetchTool(),))
    rig.engine.prepare()
    yield rig
    rig.close()


@pytest.fixture
def there() -> HandClock:
    """The backend's clock."""
    return HandClock(wall=1_000_000.0, steady=500.0, boot="there")


@pytest.fixture
def here() -> HandClock:
    """The worker's own."""
    return HandClock(wall=2_000_000.0, steady=40.0, boot="here")


def beat(clock: HandClock) -> Beat:
    return Beat(clock.boot, clock.steady, clock.wall)


def test_on_one_machine_it_is_that_machines_clock(here: HandClock) -> None:
    clock = FollowedClock(here)
    assert not clock.follow(None)
    assert clock.follow(beat(here))
    here.advance(7)
    assert (clock.now(), clock.mono(), clock.boot_id()) == (2_000_007.0, 47.0, "here")


def test_on_another_machine_the_first_beat_may_be_old_and_the_next_one_tells(there: HandClock, here: HandClock) -> None:
    clock = FollowedClock(here)
    old = beat(there)
    there.advance(900)
    assert not clock.follow(old)
    assert not clock.follow(old)
    assert clock.boot_id() == ""
    assert clock.follow(beat(there))
    assert (clock.mono(), clock.now(), clock.boot_id()) == (1400.0, 1_000_900.0, "there")
    here.advance(2.5)
    assert (clock.mono(), clock.now()) == (1402.5, 1_000_902.5)


def test_clocks_set_by_hand_move_nothing(there: HandClock, here: HandClock) -> None:
    clock = FollowedClock(here)
    for _ in range(3):
        there.advance(1)
        here.advance(1)
        clock.follow(beat(there))
    for jump in (DAYS, -2 * DAYS):
        here.wall += jump
        there.wall += jump
        there.advance(1)
        here.advance(1)
        assert clock.follow(beat(there))
        assert clock.mono() == pytest.approx(there.steady, abs=0.01)


def test_a_late_look_never_sets_it_back_by_more_than_drift(there: HandClock, here: HandClock) -> None:
    clock = FollowedClock(here)
    for late in (0.0, 0.0, 0.9, 0.4, 0.0):
        there.advance(1)
        seen = beat(there)
        here.advance(1)
        here.steady += late
        clock.follow(seen)
        here.steady -= late
    assert clock.mono() == pytest.approx(there.steady, abs=0.01)


def test_a_restart_of_the_backends_machine_is_followed(there: HandClock, here: HandClock) -> None:
    clock = FollowedClock(here)
    for _ in range(2):
        there.advance(1)
        clock.follow(beat(there))
    there.boot, there.steady = "again", 3.0
    assert not clock.follow(beat(there))
    assert clock.boot_id() == "there"
    there.advance(1)
    assert clock.follow(beat(there))
    assert (clock.boot_id(), clock.mono()) == ("again", 4.0)


@pytest.mark.parametrize(("later", "verdict"), [(10.0, Verdict.GO), (400.0, Verdict.OVER)])
def test_a_worker_on_another_machine_begins_in_time_and_not_too_late(
    rig: Rig, here: HandClock, later: float, verdict: Verdict
) -> None:
    run, members = rig.approved(), Members(rig.database, rig.clock)
    clock = FollowedClock(here)
    for _ in range(2):
        members.beat("backend-x", BACKEND, ("http.fetch",))
        clock.follow(members.backend())
    here.advance(later)
    approvals = Approvals(rig.database, rig.audit, Policy(), clock, rig.bus)
    gate = Gate(rig.database, rig.registry, approvals, rig.audit, clock, rig.ledger)
    assert gate.begin(run).verdict is verdict
    assert rig.state(run) == (("running", "begun") if verdict is Verdict.GO else ("stopped", None))


def test_members_are_known_alive_or_not_and_forgotten(rig: Rig) -> None:
    members, hold = Members(rig.database, rig.clock), Hold(rig.database.engine, ("worker-a",), lambda _: None)
    assert members.backend() is None
    for name, role in (("backend-x", BACKEND), ("backend-y", BACKEND), ("worker-a", WORKER), ("worker-b", WORKER)):
        members.beat(name, role, ("http.fetch",))
        members.beat(name, role, ("http.fetch",))
    hold.take()
    assert [(one.name, one.alive) for one in members.list()] == [
        ("backend-y", False),
        ("worker-a", True),
        ("worker-b", False),
    ]
    with rig.database.tx() as connection:
        connection.execute(update(engine_member).values(at=rig.clock.now() - FORGOTTEN - 1))
    members.forget()
    assert [one.name for one in members.list()] == ["worker-a"]
    hold.release()


def test_without_a_backend_that_shows_its_clock_no_worker_begins(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CLOCK", 0.0)
    worker = WorkProcess(rig.database.url, tmp_path / "w", (FetchTool(),), lambda _: None)
    with pytest.raises(Unavailable, match="No backend has been at work on this database lately"):
        worker.start()
    worker.stop(0.0)
