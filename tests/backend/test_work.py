"""The verb ``work``: a real process on a real PostgreSQL, and its refusals."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.engine.conftest import Rig
from tests.bed.backend import BACKEND, House, wait_until
from tests.bed.postgres import emptied

from aistack_backend.engine.gate import Run
from aistack_backend.orchestration.fetch.tool import FetchPart, FetchTool
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import TaskState


@pytest.fixture
def rig(tmp_path: Path, postgres: str) -> Iterator[Rig]:
    rig = Rig(tmp_path, emptied(postgres), anywhere=(FetchTool(),))
    rig.engine.prepare()
    rig.engine.claim()
    yield rig
    rig.close()


def refused(house: House, *words: str) -> tuple[int, str]:
    """Run a verb that cannot start; return its exit code and what it says."""
    done = subprocess.run([BACKEND, "work", *words], env=house.env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_a_worker_runs_what_the_backend_approved(rig: Rig, tmp_path: Path) -> None:
    house = House(tmp_path)
    command = [BACKEND, "work", "--database", rig.database.url, "--slot", "a"]
    with subprocess.Popen(command, env=house.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            name, _, kinds = worker.stdout.readline().strip().partition(" runs ")
            assert name.startswith("worker-")
            assert kinds == "http.fetch"
            code, said = refused(house, "--database", rig.database.url, "--slot", "a")
            assert (code, "Give this one another --slot." in said) == (3, True), said
            done = subprocess.run([*command, "--list"], env=house.env, capture_output=True, text=True, check=True)
            seen = [line.split() for line in done.stdout.splitlines()]
            assert [(one[0], one[1], one[-1]) for one in seen] == [
                (rig.engine.name, "alive", "note.blind"),
                (name, "alive", "http.fetch"),
            ]
            run = approved(rig, "http://localhost/")
            wait_until(lambda: rig.task(run.task_id)["state"] == TaskState.FAILED, 20, "it did not run")
            assert "localhost is not fetched" in rig.task(run.task_id)["reason"]
            told = [one.actor for one in rig.audit.page(50).records if one.phase in (Phase.INTENT, Phase.OUTCOME)]
            assert told == [name, name], "the audit says which worker did it"
            other = rig.approved("note.append")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0
        finally:
            worker.kill()
    assert rig.task(other.task_id)["state"] == TaskState.QUEUED, "it took what it has no tool for"
    assert rig.audit.verify().ok
    assert (house.data / "workers" / "a" / "audit" / "witness.jsonl").is_file()
    assert (house.data / "workers" / "a").stat().st_mode & 0o777 == 0o700


def approved(rig: Rig, url: str) -> Run:
    """Ask for a fetch and approve it."""
    action, evidence = FetchPart().prepare("http.fetch", url)
    return rig.approve(action, evidence)


def test_what_cannot_work_says_why(tmp_path: Path, rig: Rig) -> None:
    house = House(tmp_path / "h")
    code, said = refused(house)
    assert (code, "A worker needs the PostgreSQL database of its backend" in said) == (1, True), said
    code, said = refused(house, "--database", "nonsense")
    assert (code, "nonsense" not in said and "is no database URL" in said) == (1, True), said
    code, said = refused(house, "--database", "postgresql+psycopg://nobody@127.0.0.1:1/x")
    assert (code, "127.0.0.1:1/x cannot be used" in said) == (1, True), said
    code, said = refused(house, "--database", rig.database.url, "--slot", "../x")
    assert (code, "'../x' is no slot." in said) == (1, True), said
    assert "Traceback" not in said
