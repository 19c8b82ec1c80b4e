"""R5.1: kill -9 at seeded random moments. Never twice, never unapproved, nothing lost, the audit holds.

With ``KILL9_DATABASE=postgresql+psycopg://…`` (an empty database) the same on PostgreSQL.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import SystemClock
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.store.database import Database
from aistack_backend.store.tables import approval, effect, event, task
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.tasks import TaskState

CHILD = Path(__file__).with_name("kill9_child.py")
KILLS, SOAK_KILLS = 20, 300
SHORTEST, LONGEST = 0.02, 1.2
"""Seconds that a life lasts after it is up."""


def live(folder: Path, seed: int, seconds: float | None) -> list[str]:
    """Run one life, kill it after ``seconds`` (None: let it settle and leave) and return what it acknowledged."""
    command = [sys.executable, str(CHILD), str(folder), str(seed), *([] if seconds else ["settle"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        first = child.stdout.readline()
        killer = threading.Timer(seconds, child.send_signal, [signal.SIGKILL]) if seconds else None
        if killer:
            killer.start()
        told = child.stdout.read().splitlines()
        said = child.stderr.read()
        if killer:
            killer.cancel()
    assert first == "up\n", said
    assert child.returncode == (-signal.SIGKILL if seconds else 0), said
    return told


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(KILLS, 2026, id="ci", marks=pytest.mark.timeout(240)),
        pytest.param(SOAK_KILLS, 7, id="soak", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_kill_9(tmp_path: Path, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    told: list[str] = []
    for life in range(kills):
        told += live(tmp_path, seed * 1000 + life, dice.uniform(SHORTEST, LONGEST))
    told += live(tmp_path, seed, None)
    database = Database(os.environ.get("KILL9_DATABASE") or f"sqlite:///{tmp_path}/aistack.db")
    try:
        check(tmp_path, database, told)
    finally:
        database.close()


def check(folder: Path, database: Database, told: list[str]) -> None:
    with database.read() as connection:
        tasks = {row.id: row for row in connection.execute(select(task))}
        approvals = {row.id: row for row in connection.execute(select(approval))}
        effects = {row.key: row for row in connection.execute(select(effect))}
        events = connection.execute(select(event.c.approval_id, event.c.phase, event.c.outcome)).all()
    lines = [line.split("\t") for line in (folder / "notes").read_text().splitlines()]

    written = Counter(key for key, _, _ in lines)
    assert max(written.values()) == 1, "an effect ran twice"
    for key, action_hash, _ in lines:
        allowed = approvals[effects[key].approval_id]
        assert (allowed.state, allowed.action_hash) == ("used", action_hash), "an unapproved effect ran"
        assert allowed.decided_by == "operator:root"

    asked = {int(line.split()[1]) for line in told if line.startswith("asked ")}
    assert asked <= set(tasks), "an acknowledged task is lost"
    states = {number: TaskState(row.state) for number, row in tasks.items()}
    assert set(states.values()) <= FINAL | {TaskState.AWAITING}, "a task is stuck"
    for line in told:
        if line.startswith("decided "):
            _, number, verdict = line.split()
            assert (states[int(number)] is TaskState.DENIED) == (verdict == "deny")
            assert states[int(number)] is not TaskState.AWAITING, "an acknowledged decision is lost"

    assert not [row for row in effects.values() if row.state == "begun"]
    for row in effects.values():
        if row.kind == "note.append":
            assert (states[row.task_id] is TaskState.DONE) == (row.key in written), "a task tells what is not so"
    intents = Counter(row.approval_id for row in events if row.phase == Phase.INTENT)
    outcomes = Counter(row.approval_id for row in events if row.phase == Phase.OUTCOME)
    assert intents == outcomes == Counter(row.approval_id for row in effects.values())

    log = AuditLog(database, folder / "audit", SystemClock())
    found = log.verify()
    log.close()
    assert found.ok, found.detail
    assert found.witnessed == found.count
    print(f"{len(tasks)} tasks, {len(effects)} effects, {dict(Counter(states.values()))}")
