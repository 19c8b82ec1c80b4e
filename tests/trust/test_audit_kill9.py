"""A writer killed with -9 in the middle leaves a log that holds, and every acknowledged record in it (R2.3, R2.4)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.verify import verify_directory
from aistack_backend.clock import HandClock
from aistack_backend.store.database import Database

WRITER = """
import sys
from pathlib import Path
from aistack_backend.audit.log import AuditLog
from aistack_backend.clock import SystemClock
from aistack_backend.store.database import Database
from aistack_backend.wire.audit import Phase

folder = Path(sys.argv[1])
log = AuditLog(Database(f"sqlite:///{folder}/aistack.db"), folder / "audit", SystemClock())
while True:
    seq = log.note(phase=Phase.INTENT, actor="backend", kind="container.stop", object="web", detail={"x": "y" * 300})
    print(seq, flush=True)
"""


def killed_after(folder: Path, records: int, rng: random.Random) -> int:
    """Let a process write, kill it at a random moment after ``records``; return the last acknowledged seq."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    last = 0
    for _ in range(records):
        last = int(process.stdout.readline())
    for _ in range(rng.randrange(20_000)):  # a moment that falls anywhere in a write
        pass
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read().split(b"\n")
    process.wait(10)
    process.stdout.close()
    whole = [int(text) for text in rest[:-1]]
    return whole[-1] if whole else last


def run(tmp_path: Path, rng: random.Random, rounds: int) -> None:
    """Kill, look at the copy as it lies, open it again, look again."""
    folder = tmp_path / "data"
    folder.mkdir()
    for _ in range(rounds):
        acknowledged = killed_after(folder, rng.randrange(1, 40), rng)
        as_it_lies = verify_directory(folder)
        assert as_it_lies.ok, as_it_lies
        assert as_it_lies.count >= acknowledged
        assert (as_it_lies.witnessed or 0) >= acknowledged
        database = Database(f"sqlite:///{folder}/aistack.db")
        log = AuditLog(database, folder / "audit", HandClock())
        assert log.writable() == ""
        check = log.verify()
        assert (check.ok, check.witnessed) == (True, check.count)
        log.close()
        database.close()


def test_kill_9_while_writing(tmp_path: Path, rng: random.Random, tried: Callable[..., None]) -> None:
    run(tmp_path, rng, 6)
    tried("R2.3 kill -9", 6, 0, "killed writers that lost a record or raised a false alarm")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_kill_9_while_writing_in_full(tmp_path: Path, rng: random.Random, tried: Callable[..., None]) -> None:
    run(tmp_path, rng, 200)
    tried("R2.3 kill -9", 200, 0, "killed writers that lost a record or raised a false alarm")
