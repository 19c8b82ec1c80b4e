"""One worker process for ``test_workers.py``: the product's own, with tools that write lines to files.

``python worker_child.py URL FOLDER SHARED``. FOLDER is the worker's own, SHARED holds the files of all. ``up NAME`` on
stdout is true when it is written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import sys
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.tools import Fate, Nature, Outcome
from aistack_backend.orchestration.work import WorkProcess, fall


class HoldTool:
    """``note.hold`` writes ``KEY began PID``, waits until the file ``go`` is there, then writes ``KEY ended PID``."""

    kinds = frozenset({"note.hold"})

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: it may be begun anew."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """There is nothing that could change."""
        return ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Begin, wait, end."""
        self._line(f"{key} began {os.getpid()}")
        never = asyncio.get_running_loop().create_future()
        while not (self._folder / "go").exists():
            await asyncio.wait({never}, timeout=0.02)
        self._line(f"{key} ended {os.getpid()}")
        return Outcome(ok=True, text="held")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look for its end."""
        done = f"{key} ended " in (self._folder / "holds").read_text()
        return (Fate.DONE, Outcome(ok=True, text="held")) if done else (Fate.NOT_DONE, None)

    def _line(self, text: str) -> None:
        descriptor = os.open(self._folder / "holds", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{text}\n".encode())
        os.close(descriptor)


class KillTool(HoldTool):
    """``note.kill`` kills the process that runs it."""

    kinds = frozenset({"note.kill"})

    async def run(self, key: str, action: Action) -> Outcome:
        """Die."""
        self._line(f"{key} began {os.getpid()}")
        os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(ok=False, text="it lives")


def work(_: str) -> None:
    """Burn up to a few milliseconds, so that a kill also falls between gate, act and outcome."""
    digest = b""
    for _ in range(random.randrange(6_000)):
        digest = hashlib.sha256(digest).digest()


def main(url: str, folder: Path, shared: Path) -> None:
    """Work until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    notes = NoteTool(shared / "notes", work)
    notes.kinds = frozenset({"note.append", "note.blind"})
    worker = WorkProcess(url, folder, (notes, HoldTool(shared), KillTool(shared)), fall, poll=0.05)
    os.write(1, f"up {worker.start()}\n".encode())
    signal.sigwait({signal.SIGTERM})
    worker.stop(2.0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
