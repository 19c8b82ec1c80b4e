"""Lives for ``test_kill9_points.py``, each forked from one process that has imported everything and started nothing.

``python kill9_nursery.py FOLDER SEED POINT...``: one life for each point, killed there; then one that leaves. Each
line on stdout was true when it was written: as in ``kill9_child.py``, and ``killed POINT`` or ``missed POINT``.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kill9_child import ROOT, Life, tell  # type: ignore[import-not-found]
from kill9_points import CALLS, arm  # type: ignore[import-not-found]
from sqlalchemy import select

import aistack_backend.engine.flows  # noqa: F401  imports dbos before the first fork
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.step_tool import StepTool
from aistack_backend.errors import Conflict
from aistack_backend.store.tables import effect
from aistack_backend.wire.actions import ActionRequest, DecideRequest, Verdict
from aistack_backend.wire.tasks import TaskState

PATIENCE = 30.0


class Script:
    """One life that does each thing once: act, deny, pause and resume, stop."""

    def __init__(self, folder: Path) -> None:
        self.life = Life(folder, 0)
        self.steps = StepTool(folder / "steps")
        self.waits = NoteTool(folder / "waits")
        self.waits.kinds = frozenset({"note.wait"})
        for tool in (self.steps, self.waits):
            self.life.engine.registry.register(tool)

    def run(self) -> None:
        """Live: finish what an earlier life left, then do everything once."""
        self.settle()
        for kind in ("note.append", "note.blind", "note.set"):
            self.ask(kind, Verdict.APPROVE)
        self.ask("note.append", Verdict.DENY)
        stepping = self.ask("note.steps", Verdict.APPROVE, "2")
        self.until(lambda: self.state(stepping) is TaskState.RUNNING and self.taken(stepping) == 1)
        self.life.tasks.pausing.pause(stepping, ROOT)
        self.until(lambda: self.state(stepping) is TaskState.PAUSED)
        self.settle()
        waiting = self.ask("note.wait", Verdict.APPROVE)
        self.until(lambda: self.state(waiting) is TaskState.RUNNING)
        self.settle()

    def up(self) -> None:
        """Take the lease, as soon as the server has noticed that the last holder is dead, and launch."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.life.engine.claim()
                break
            except Conflict:
                if time.monotonic() > deadline:
                    raise
                threading.Event().wait(0.02)
        self.life.engine.prepare()
        self.life.engine.start()
        assert self.life.engine.wait_running(PATIENCE), self.life.engine.failure

    def settle(self) -> None:
        """Resume what is paused, take the steps that are left, stop what waits, until nothing is open."""

        def settled() -> bool:
            for task_id in self.open("note.steps"):
                if self.state(task_id) is TaskState.PAUSED:
                    self.life.tasks.pausing.resume(task_id, ROOT)
                for key in self.keys(task_id):
                    self.steps.step(key)
            for task_id in self.open("note.wait"):
                if self.state(task_id) is TaskState.RUNNING:
                    with suppress(Conflict):  # it ended meanwhile
                        self.life.tasks.stop(task_id, ROOT)
            return bool(self.life.open_tasks() == 0)

        self.until(settled)

    def ask(self, kind: str, verdict: Verdict, script: str = "line") -> int:
        """Ask, decide, and return the task's id."""
        task = self.life.tasks.submit_action(ActionRequest(kind=kind, script=script), "agent:planner", "cli")
        tell(f"asked {task.id}")
        assert task.approval_id is not None
        seen = self.life.approvals.get(task.approval_id)
        answer = DecideRequest(verdict=verdict, action_hash=seen.action_hash, reason="scripted", code=seen.code)
        self.life.approvals.decide(seen.id, answer, ROOT)
        tell(f"decided {task.id} {verdict}")
        return int(task.id)

    def open(self, kind: str) -> list[int]:
        """Return the tasks whose effect of this kind has begun and not ended."""
        query = select(effect.c.task_id).where((effect.c.kind == kind) & (effect.c.state == "begun"))
        with self.life.database.read() as connection:
            return [int(found) for found in connection.execute(query).scalars()]

    def keys(self, task_id: int) -> list[str]:
        """Return the keys of a task's effects."""
        with self.life.database.read() as connection:
            return list(connection.execute(select(effect.c.key).where(effect.c.task_id == task_id)).scalars())

    def taken(self, task_id: int) -> int:
        """Return how many steps a task has taken."""
        return sum(len(self.steps.lines(key)) for key in self.keys(task_id))

    def state(self, task_id: int) -> TaskState:
        """Return where a task stands."""
        return TaskState(self.life.tasks.get(task_id).state)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds: looked at when the engine tells of a change, and each 20 ms."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.life.tasks.list()
            with self.life.moved:
                self.life.moved.wait(0.02)


def life(folder: Path, point: str, number: int) -> None:
    """Live in this process; returns only when ``point`` was not reached."""
    if point:
        arm(point, number)
    script = Script(folder)
    script.up()
    script.run()
    script.life.engine.stop()


def main(folder: Path, seed: int, points: list[str]) -> None:
    """Fork one life for each point, then one that lives to its end."""
    dice = random.Random(seed)
    for point in (*points, ""):
        call = CALLS.get(point.partition(" ")[2])
        number = dice.randint(1, call.often if call else 12)
        if (child := os.fork()) == 0:
            try:
                life(folder, point, number)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert killed or status == 0, f"the life of {point} {number} broke"
        if point:
            tell(f"{'killed' if killed else 'missed'} {point}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
