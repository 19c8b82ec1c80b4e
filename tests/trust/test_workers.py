"""Worker processes on one PostgreSQL: a killed one's work runs on a peer, and nothing is done twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from tests.backend.engine.conftest import Rig
from tests.bed.backend import wait_until
from tests.bed.postgres import emptied, running
from tests.trust.worker_child import HoldTool, KillTool

from aistack_backend.engine.flows import MAX_RECOVERY
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.orchestration.work import LOST
from aistack_backend.store.tables import effect, task
from aistack_backend.wire.tasks import TaskState

CHILD = Path(__file__).with_name("worker_child.py")
HELD, WORKERS = 12, 4
FAST = 5.0
"""Seconds within which a dead worker's work runs on a peer."""


class Crew:
    """Some workers, and a backend that decides and runs nothing itself unless it is started."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.url = rig.database.url
        self.workers: list[subprocess.Popen[str]] = []
        self.names: list[str] = []

    def hire(self, slot: int) -> subprocess.Popen[str]:
        """Start a worker in its own folder; it is up when this returns."""
        log = (self.rig.folder / f"worker{slot}.log").open("a")
        command = [sys.executable, str(CHILD), self.url, str(self.rig.folder / f"w{slot}"), str(self.rig.folder)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        self.workers.append(worker)
        return worker

    def up(self, worker: subprocess.Popen[str]) -> str:
        """Wait until it works; return its name."""
        assert worker.stdout is not None
        word, _, name = worker.stdout.readline().strip().partition(" ")
        assert word == "up", (self.rig.folder / "worker0.log").read_text()[-2000:]
        return name

    def lines(self) -> list[list[str]]:
        """Return what the holding tool wrote."""
        file = self.rig.folder / "holds"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def begun_by(self, pid: int) -> set[str]:
        """Return the keys that a process began."""
        return {key for key, word, who in self.lines() if word == "began" and int(who) == pid}

    def states(self) -> Counter[str]:
        """Return how many tasks there are of each state."""
        with self.rig.database.read() as connection:
            return Counter(connection.execute(select(task.c.state)).scalars())

    def settled(self) -> bool:
        """Whether every task has ended."""
        return set(self.states()) <= {str(state) for state in FINAL}

    def dismiss(self) -> None:
        """End all."""
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()


@contextmanager
def crewed(folder: Path, url: str) -> Iterator[Crew]:
    """Give a backend that has claimed its lease, with the kinds that the workers serve."""
    rig = Rig(folder, url, anywhere=(HoldTool(folder), KillTool(folder)))
    rig.engine.prepare()
    rig.engine.claim()
    crew = Crew(rig)
    try:
        yield crew
    finally:
        crew.dismiss()
        rig.close()


@pytest.fixture
def crew(tmp_path: Path, postgres: str) -> Iterator[Crew]:
    """Give a crew on the database of the session."""
    with crewed(tmp_path, emptied(postgres)) as crew:
        yield crew


def test_a_killed_workers_work_runs_on_a_peer(crew: Crew, tried: Callable[..., None]) -> None:
    workers = [crew.hire(slot) for slot in range(WORKERS)]
    names = [crew.up(worker) for worker in workers]
    assert len(set(names)) == WORKERS
    runs = [crew.rig.approved("note.hold") for _ in range(HELD)]
    wait_until(lambda: len(crew.lines()) == HELD, 30, "not every task was begun")
    victim = max(workers, key=lambda worker: len(crew.begun_by(worker.pid)))
    left = crew.begun_by(victim.pid)
    victim.send_signal(signal.SIGKILL)
    killed = time.monotonic()

    def taken() -> bool:
        return all(sum(key == line[0] for line in crew.lines()) == 2 for key in left)

    wait_until(taken, 30, "the dead worker's work was not begun by a peer")
    took = time.monotonic() - killed
    (crew.rig.folder / "go").touch()
    wait_until(lambda: crew.states() == {"done": HELD}, 30, "not every task was done")
    began = Counter(key for key, word, _ in crew.lines() if word == "began")
    ended = Counter(key for key, word, _ in crew.lines() if word == "ended")
    assert {key for key, count in began.items() if count > 1} == left
    assert set(ended.values()) == {1}
    assert len(ended) == len(runs)
    assert crew.rig.audit.verify().ok
    tried("R5.1 workers", len(left), 0, f"executions of a killed worker, on peers after {took:.2f} s; duplicates 0")
    assert took < FAST


def test_kill_9_of_workers_at_random_does_nothing_twice(crew: Crew, tried: Callable[..., None]) -> None:
    dice = random.Random(2026)
    alive = [crew.hire(slot) for slot in range(WORKERS)]
    for worker in alive:
        crew.up(worker)
    kills = 0
    for number in range(60):
        crew.rig.approved("note.append" if number % 4 else "note.blind")
        if number % 10 == 9:
            slot = dice.randrange(WORKERS)
            alive[slot].kill()
            alive[slot] = crew.hire(slot)
            kills += 1
    wait_until(crew.settled, 60, lambda: f"not every task ended: {crew.states()}")
    keys = [line.partition("\t")[0] for line in (crew.rig.folder / "notes").read_text().splitlines()]
    assert len(keys) == len(set(keys)), "an effect ran twice"
    with crew.rig.database.read() as connection:
        effects = connection.execute(select(effect)).mappings().all()
    assert set(keys) <= {one["key"] for one in effects}
    for one in effects:
        if one["kind"] == "note.append":
            assert (one["state"] == "done") == (one["key"] in keys)
    assert crew.rig.audit.verify().ok
    unknown = sum(one["state"] == "unknown" for one in effects)
    tried("R5.1 workers", kills, 0, f"kills; {len(effects)} effects, {unknown} unknown and asked")


def test_a_worker_whose_name_is_taken_from_it_ends_hard_and_its_work_moves(crew: Crew) -> None:
    first = crew.hire(0)
    name = crew.up(first)
    run = crew.rig.approved("note.hold")
    wait_until(lambda: len(crew.lines()) == 1, 20, "it was not begun")
    second = crew.hire(1)
    crew.up(second)
    end_session(crew.url, name)
    assert first.wait(10) == LOST
    wait_until(lambda: crew.begun_by(second.pid) == {run.key}, 20, "the work did not move")
    (crew.rig.folder / "go").touch()
    wait_until(lambda: crew.states() == {"done": 1}, 20, "it was not done")
    assert [word for _, word, _ in crew.lines()] == ["began", "began", "ended"]


def test_a_person_stops_what_runs_on_a_worker(crew: Crew) -> None:
    worker = crew.hire(0)
    crew.up(worker)
    run = crew.rig.approved("note.hold")
    wait_until(lambda: len(crew.lines()) == 1, 20, "it was not begun")
    with crew.rig.database.tx() as connection:
        crew.rig.ledger.ask_stop(connection, run.task_id, "Stopped by operator:root.")
    asked = time.monotonic()
    wait_until(lambda: crew.rig.state(run) == (TaskState.STOPPED, "cancelled"), 10, "it was not stopped")
    assert time.monotonic() - asked < 3.0


def test_sigterm_ends_a_worker_cleanly_and_a_second_one_of_its_folder_is_refused(crew: Crew) -> None:
    first = crew.hire(0)
    crew.up(first)
    second = crew.hire(0)
    assert second.wait(30) == 1
    assert "already works on" in (crew.rig.folder / "worker0.log").read_text()
    first.terminate()
    assert first.wait(20) == 0


def test_what_kills_each_process_that_runs_it_is_given_up(crew: Crew) -> None:
    run = crew.rig.approved("note.kill")
    for deaths in range(MAX_RECOVERY + 1):
        worker = crew.hire(deaths)
        assert worker.wait(30) == -signal.SIGKILL
    last = crew.hire(99)
    crew.up(last)

    def given_up() -> bool:
        crew.rig.engine._settle_orphans()
        return bool(crew.rig.task(run.task_id)["state"] == TaskState.UNSURE)

    wait_until(given_up, 20, "it was not given up")
    assert "it is poisoned, each process that ran it died of it" in crew.rig.task(run.task_id)["reason"]
    assert len(crew.lines()) == MAX_RECOVERY + 1
    assert last.poll() is None


def test_when_the_server_restarts_workers_end_and_nothing_is_stranded(tmp_path: Path) -> None:
    with running() as server, crewed(tmp_path, server.url) as crew:
        crew.rig.engine.start()
        assert crew.rig.engine.wait_running(30), crew.rig.engine.failure
        workers = [crew.hire(slot) for slot in range(2)]
        for worker in workers:
            crew.up(worker)
        runs = [crew.rig.approved("note.hold") for _ in range(6)]
        wait_until(lambda: len({line[0] for line in crew.lines()}) == len(runs), 30, "not every task was begun")
        server.stop()
        assert [worker.wait(20) for worker in workers] == [LOST, LOST]
        server.start()
        again = crew.hire(0)
        crew.up(again)
        (tmp_path / "go").touch()
        wait_until(lambda: crew.states() == {"done": len(runs)}, 60, lambda: f"stranded: {crew.states()}")
        ended = Counter(key for key, word, _ in crew.lines() if word == "ended")
        assert len(ended) == len(runs)
        assert crew.rig.audit.verify().ok


def test_the_backend_hears_what_a_worker_did(crew: Crew) -> None:
    crew.rig.engine.start()
    assert crew.rig.engine.wait_running(30), crew.rig.engine.failure
    heard: list[int] = []
    crew.rig.engine.on_done.append(heard.append)
    with crew.rig.database.tx() as connection:
        crew.rig.audit.append(connection, phase="note", actor="worker", kind="note", task_id=77)  # type: ignore[arg-type]
    wait_until(lambda: 77 in heard, 10, "nothing was heard")


def end_session(url: str, name: str) -> None:
    """End the database session that holds a worker's name, as a cut cable would."""
    from aistack_backend.engine.hold import key

    engine = create_engine(url)
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND ((classid::bigint << 32) | objid::bigint) = :key"
    with engine.connect() as connection:
        pid: Any = connection.execute(text(held), {"key": key(name)}).scalar_one()
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    engine.dispose()
