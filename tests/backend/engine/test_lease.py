"""The lease: one engine a data directory; the second one is told who has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aistack_backend.engine.lease import LOCK_FILE, Lease
from aistack_backend.errors import Conflict, Unavailable

HOLDER = """
import sys
from pathlib import Path
from aistack_backend.engine.lease import Lease
lease = Lease(Path(sys.argv[1]))
lease.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_holder_has_a_name_that_stays(tmp_path: Path) -> None:
    first = Lease(tmp_path)
    first.acquire()
    first.acquire()
    assert first.held
    assert first.name.startswith("backend-")
    first.release()
    second = Lease(tmp_path)
    second.acquire()
    assert second.name == first.name
    assert Path(tmp_path, LOCK_FILE).read_text() == f"{os.getpid()}\n"
    second.release()
    assert not second.held


def test_a_second_process_is_refused_with_the_pid_and_takes_over_after_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lease = Lease(tmp_path)
        with pytest.raises(Conflict) as refused:
            lease.acquire()
        assert refused.value.detail == f"Another backend (pid {holder.pid}) already works on {tmp_path}."
        assert "aistack-backend stop" in refused.value.hint
        assert not lease.held
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        lease.acquire()
        assert lease.held
        lease.release()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    Path(tmp_path, "file").write_text("")
    with pytest.raises(Unavailable, match=r"engine\.lock cannot be opened: "):
        Lease(tmp_path / "file").acquire()
