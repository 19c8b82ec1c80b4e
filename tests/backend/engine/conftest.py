"""A whole gate on a temporary SQLite file: real approvals, real audit, a tool that appends lines."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.engine import RowMapping
from tests.bed.postgres import emptied

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.witness import Disk
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.engine.gate import Gate, Run
from aistack_backend.engine.ledger import Ledger
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.runner import Runner
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.tools import Registry, Tool
from aistack_backend.store.database import Database
from aistack_backend.store.tables import effect, task
from aistack_backend.wire.actions import Approval, DecideRequest, Verdict
from aistack_backend.wire.tasks import TaskState

ROOT = Person(uid=0, gid=0, pid=1, user="root", via="tui")


class Full(Disk):
    """A disk that refuses to be written while ``full`` is set."""

    def __init__(self) -> None:
        self.full = threading.Event()
        self.refused = threading.Event()

    def write(self, descriptor: int, data: bytes) -> int:
        if self.full.is_set():
            self.refused.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(descriptor, data)


class Rig:
    """Everything that runs an action, with the parts in reach."""

    def __init__(self, folder: Path, url: str = "", anywhere: Sequence[Tool] = ()) -> None:
        """Live in ``folder``; ``url`` names another database than a SQLite file in it. With ``anywhere``, workers can
        run those tools' kinds and ``note.append`` and ``note.blind``."""
        self.folder = folder
        self.clock = SystemClock()
        self.bus = Bus()
        self.disk = Full()
        self.database = Database(url or f"sqlite:///{folder}/aistack.db")
        self.audit = AuditLog(self.database, folder / "audit", self.clock, bus=self.bus, disk=self.disk)
        self.approvals = Approvals(self.database, self.audit, Policy(), self.clock, self.bus)
        self.tool = NoteTool(folder / "notes")
        self.registry = Registry()
        if anywhere:
            self.tool.kinds = frozenset({"note.append", "note.blind"})
        for tool in (self.tool, *anywhere):
            self.registry.register(tool, anywhere=bool(anywhere))
        self.ledger = Ledger(self.clock)
        self.look_again: tuple[float, ...] = ()
        self.engine = Engine(
            self.database,
            self.registry,
            self.approvals,
            self.audit,
            self.clock,
            folder,
            self.bus,
            poll=0.02,
            look_again=(),
        )
        self.approvals.enqueue = self.engine
        self.engine.on_done.append(self._note)
        self._moved = threading.Condition()

    def dbos(self, table: str) -> str:
        """The name of one of DBOS's tables."""
        return table if self.database.engine.dialect.name == "sqlite" else f"dbos.{table}"

    def gate(self) -> Gate:
        return Gate(self.database, self.registry, self.approvals, self.audit, self.clock, self.ledger)

    def runner(self) -> Runner:
        """A runner with no DBOS around it: a second one is a second life of the backend."""
        return Runner(self.gate(), self.registry, self._note, self.look_again)

    def use(self, tool: type[NoteTool]) -> NoteTool:
        """Let another kind of tool act from now on (for runners made after this)."""
        self.tool = tool(self.folder / "notes")
        self.registry = Registry()
        self.registry.register(self.tool)
        return self.tool

    def ask(self, kind: str = "note.append", script: str = "hello") -> Approval:
        return self.ask_for(Action(kind=kind, script=script, requester="agent:planner"), Evidence(title=script))

    def ask_for(self, action: Action, evidence: Evidence) -> Approval:
        with self.database.tx() as connection:
            row = {"goal": evidence.title, "requester": "operator:root", "state": TaskState.QUEUED}
            made = insert(task).values(**row, created_at=1.0, updated_at=1.0).returning(task.c.id)
            task_id = connection.execute(made).scalar_one()
            action = replace(action, task_id=task_id)
            asked = self.approvals.request(connection, action, evidence, task_id=task_id, via="tui")
        self.audit.seal()
        return asked

    def approve(self, action: Action, evidence: Evidence) -> Run:
        asked = self.ask_for(action, evidence)
        self.decide(asked)
        return Run(asked.task_id, asked.id, asked.revision)

    def decide(self, asked: Approval, verdict: Verdict = Verdict.APPROVE, person: Person = ROOT) -> Approval:
        seen = self.approvals.get(asked.id)
        answer = DecideRequest(
            verdict=verdict, action_hash=seen.action_hash, reason="because", code=seen.code, typed_name=seen.typed_name
        )
        return self.approvals.decide(asked.id, answer, person)

    def approved(self, kind: str = "note.append", script: str = "hello") -> Run:
        asked = self.ask(kind, script)
        self.decide(asked)
        return Run(asked.task_id, asked.id, asked.revision)

    def task(self, task_id: int) -> RowMapping:
        with self.database.read() as connection:
            return connection.execute(select(task).where(task.c.id == task_id)).mappings().one()

    def state(self, run: Run) -> tuple[str, str | None]:
        """The state of the task and of the effect."""
        with self.database.read() as connection:
            state = connection.execute(select(effect.c.state).where(effect.c.key == run.key)).scalar()
        return self.task(run.task_id)["state"], state

    def wait(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until ``condition`` holds; it is looked at whenever the engine tells of a change."""
        with self._moved:
            assert self._moved.wait_for(condition, seconds), "it did not come true in time"

    def wait_state(self, task_id: int, *states: TaskState) -> None:
        self.wait(lambda: self.task(task_id)["state"] in states)

    def close(self) -> None:
        self.engine.stop(grace=1.0)
        self.audit.close()
        self.database.close()

    def _note(self, _: int) -> None:
        with self._moved:
            self._moved.notify_all()


@pytest.fixture(params=["sqlite", "postgresql"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Give the rig on both kinds of database."""
    url = emptied(request.getfixturevalue("postgres")) if request.param == "postgresql" else ""
    rig = Rig(tmp_path, url)
    rig.engine.prepare()
    yield rig
    rig.close()
