"""One life of a backend for ``test_kill9.py``: it asks, decides and executes until it is killed.

``python kill9_child.py FOLDER SEED [settle]``. Each line on stdout was true when it was written: ``asked TASK``
after the request is committed and witnessed, ``decided TASK VERDICT`` after the decision is. With ``settle`` it asks
nothing and leaves once every task is final or waits for a person.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
from pathlib import Path

from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.engine.tools import Registry
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.memory import MemoryPreparer, MemoryShips
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ActionRequest, DecideRequest, Verdict
from aistack_backend.wire.tasks import TaskState

ROOT = Person(uid=0, gid=0, pid=1, user="root", via="cli")
KINDS = ("note.append", "note.append", "note.blind", "note.set")
AT_ONCE = 6
SETTLED = FINAL | {TaskState.AWAITING}


def tell(line: str) -> None:
    """Write a whole line at once: a kill never leaves half of it."""
    os.write(1, f"{line}\n".encode())


class Life:
    """The backend, wired as the product wires it, with a tool that takes some time to act."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.moved = threading.Condition()
        clock, bus, registry = SystemClock(), Bus(), Registry()
        self.database = Database(os.environ.get("KILL9_DATABASE") or f"sqlite:///{folder}/aistack.db")
        audit = AuditLog(self.database, folder / "audit", clock, bus=bus)
        self.approvals = Approvals(self.database, audit, Policy(), clock, bus)
        tools = [NoteTool(folder / "notes", self.work), NoteTool(folder / "set", self.work)]
        tools[0].kinds, tools[1].kinds = frozenset({"note.append", "note.blind"}), frozenset({"note.set"})
        for tool in tools:
            registry.register(tool)
        self.engine = Engine(
            self.database, registry, self.approvals, audit, clock, folder, bus, poll=0.02, look_again=()
        )
        self.approvals.enqueue = self.engine
        ships = MemoryShips()
        self.tasks = Tasks(
            self.database, self.approvals, audit, self.engine, MemoryPreparer(ships), Agent(registry, ships), clock, bus
        )
        self.approvals.watchers.append(self.tasks.follow)
        self.engine.on_done += [self.tasks.changed, self.wake]

    def work(self, _: str) -> None:
        """Burn up to a few milliseconds, so that a kill also falls between gate, act and outcome."""
        digest = b""
        for _ in range(self.random.randrange(6_000)):
            digest = hashlib.sha256(digest).digest()

    def wake(self, _: int) -> None:
        """Let ``wait`` look again."""
        with self.moved:
            self.moved.notify_all()

    def open_tasks(self) -> int:
        """Return how many tasks are neither final nor waiting for a person."""
        return sum(task.state not in SETTLED for task in self.tasks.list().tasks)

    def wait(self, most: int) -> None:
        """Wait until at most this many tasks are open."""
        with self.moved:
            assert self.moved.wait_for(lambda: self.open_tasks() <= most, 60), self.tasks.list()

    def ask(self, number: int) -> None:
        """Ask for one action and, mostly, decide on it at once."""
        request = ActionRequest(kind=self.random.choice(KINDS), script=f"line {number}")
        task = self.tasks.submit_action(request, "agent:planner", "cli")
        tell(f"asked {task.id}")
        verdict = self.random.choices([Verdict.APPROVE, Verdict.DENY, None], [16, 2, 1])[0]
        if verdict is None or task.approval_id is None:
            return
        seen = self.approvals.get(task.approval_id)
        answer = DecideRequest(verdict=verdict, action_hash=seen.action_hash, reason="seeded", code=seen.code)
        self.approvals.decide(seen.id, answer, ROOT)
        tell(f"decided {task.id} {verdict}")


def main(folder: Path, seed: int, settle: bool) -> None:
    """Live."""
    life = Life(folder, seed)
    life.engine.claim()
    life.engine.prepare()
    tell("up")
    if not settle:
        life.ask(0)  # decided before the engine runs
    life.engine.start()
    for number in range(1, 0 if settle else 1_000_000):
        life.wait(AT_ONCE)
        life.ask(number)
    life.wait(0)
    life.engine.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "settle" in sys.argv)
