"""The engine alone, on SQLite and on PostgreSQL (a server of its own, synced): how soon, how many, at what price.

The action is one synced line in a file. What a value is held against: half of one look at the queue for a start; for
the rate the slots that one look can fill, and the commits that the same database can do one after the other.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event, text
from tests.bed.postgres import server

from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.engine.enqueue import POLL, WORKERS
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.tools import Registry
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.memory import MemoryPreparer, MemoryShips
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.store.database import Database
from aistack_backend.store.tables import meta
from aistack_backend.wire.actions import ActionRequest, Approval, DecideRequest, Verdict
from bench.figures import Figure, percentile

SINGLE, MANY, COMMITS = 60, 300, 300
IDLE = 20.0
PATIENCE = 120.0
ROOT = Person(uid=0, gid=0, pid=1, user="root", via="cli")


def run() -> list[Figure]:
    """Measure both databases."""
    folder = Path(tempfile.mkdtemp(prefix="aistack-bench-"))
    try:
        figures = _on("SQLite", f"sqlite:///{folder}/aistack.db", folder / "s")
        with server("fsync=on") as url:
            return figures + _on("PostgreSQL", url, folder / "p")
    except FileNotFoundError as error:
        raise RuntimeError(str(error)) from error
    finally:
        shutil.rmtree(folder)


class Bench:
    """The product's engine with one tool, and the moment at which each of its effects began."""

    def __init__(self, url: str, folder: Path, threshold: str) -> None:
        folder.mkdir(exist_ok=True)
        self.begun: list[float] = []
        self._came = threading.Condition()
        clock, bus, registry, ships = SystemClock(), Bus(), Registry(), MemoryShips()
        tool = NoteTool(folder / "notes", self._step)
        tool.kinds = frozenset({"note.append"})
        registry.register(tool, anywhere=True)  # as the product has one kind that runs anywhere
        self.database = Database(url)
        self.audit = AuditLog(self.database, folder / "audit", clock, bus=bus)
        self.approvals = Approvals(self.database, self.audit, Policy(threshold), clock, bus)
        self.engine = Engine(self.database, registry, self.approvals, self.audit, clock, folder, bus)
        self.approvals.enqueue = self.engine
        agent = Agent(registry, ships)
        self.tasks = Tasks(
            self.database, self.approvals, self.audit, self.engine, MemoryPreparer(ships), agent, clock, bus
        )
        self.approvals.watchers.append(self.tasks.follow)
        self.engine.on_done += [self.tasks.changed, lambda _: self._wake()]

    def ask(self) -> int:
        """Ask for one line, and return its task."""
        return self.tasks.submit_action(ActionRequest(kind="note.append", script="line"), "agent:planner", "cli").id

    def decide(self, asked: Approval) -> None:
        """Approve as a person does."""
        answer = DecideRequest(verdict=Verdict.APPROVE, action_hash=asked.action_hash, code=asked.code)
        self.approvals.decide(asked.id, answer, ROOT)

    def until(self, count: int, *, done: bool = False) -> None:
        """Wait until so many effects have begun, or tasks are done."""
        with self._came:
            if not self._came.wait_for(lambda: (self._done() if done else len(self.begun)) >= count, PATIENCE):
                raise RuntimeError(f"only {len(self.begun)} of {count} began within {PATIENCE:.0f} s")

    def close(self) -> None:
        """End it."""
        self.engine.stop(1.0)
        self.audit.close()
        self.database.close()

    def _done(self) -> int:
        with self.database.read() as connection:
            return int(connection.execute(text("SELECT count(*) FROM task WHERE state = 'done'")).scalar_one())

    def _step(self, moment: str) -> None:
        if moment == "before":
            self.begun.append(time.monotonic())
            self._wake()

    def _wake(self) -> None:
        with self._came:
            self._came.notify_all()


@contextmanager
def _bench(url: str, folder: Path, threshold: str) -> Iterator[Bench]:
    bench = Bench(url, folder, threshold)
    try:
        bench.engine.start()
        if not bench.engine.wait_running(PATIENCE):
            raise RuntimeError(bench.engine.failure)
        yield bench
    finally:
        bench.close()


def _on(name: str, url: str, folder: Path) -> list[Figure]:
    with _bench(url, folder, "none") as bench:
        bare = _bare(bench.database)
        idle = _idle()
        submit = [_latency(bench, number, approve=False) for number in range(SINGLE)]
        size, commits = _size(bench.database), _count_commits()
        rate = _rate(bench)
        each, grown = next(commits) / MANY, (_size(bench.database) - size) / MANY
    with _bench(url, folder, "low") as bench:
        approve = [_latency(bench, number, approve=True) for number in range(SINGLE)]
    look = POLL / 2
    return [
        *_starts(f"{name}: submit to first step", submit, look),
        *_starts(f"{name}: approve to running", approve, look),
        Figure(name=f"{name}: bare commits, one after the other", value=bare, unit="/s"),
        Figure(name=f"{name}: tasks, submitted one after the other, all done", value=rate, unit="/s", goal=">= 20"),
        Figure(name=f"{name}: commits of one task", value=each, unit=""),
        Figure(name=f"{name}: those commits against the bare ones", value=rate * each / bare * 100, unit="%"),
        Figure(name=f"{name}: those tasks against {WORKERS} slots a look", value=rate * POLL / WORKERS * 100, unit="%"),
        Figure(name=f"{name}: engine with nothing to do, CPU", value=idle, unit="% core", goal="<= 5"),
        Figure(name=f"{name}: growth of the database for one task", value=grown / 1000, unit="kB", goal="<= 15"),
    ]


def _starts(name: str, seconds: list[float], look: float) -> list[Figure]:
    middle = percentile(seconds, 0.5)
    return [
        Figure(name=f"{name}, p50 of {len(seconds)}", value=middle * 1000, unit="ms", goal="<= 400"),
        Figure(name=f"{name}, p99 of {len(seconds)}", value=percentile(seconds, 0.99) * 1000, unit="ms"),
        Figure(name=f"{name}, p50 against half a look at the queue", value=middle / look, unit="x"),
    ]


def _latency(bench: Bench, number: int, *, approve: bool) -> float:
    """Return the seconds from a request, or from its approval, to the first step of its effect."""
    threading.Event().wait(number % 10 / 10 * POLL)  # at every place between two looks at the queue
    count = len(bench.begun)
    began = time.monotonic()
    task_id = bench.ask()
    if approve:
        asked = bench.approvals.get(bench.tasks.get(task_id).approval_id or 0)
        began = time.monotonic()
        bench.decide(asked)
    bench.until(count + 1)
    return bench.begun[-1] - began


def _rate(bench: Bench) -> float:
    """Return tasks a second, from the first request to the end of the last task."""
    before = bench._done()
    began = time.monotonic()
    for _ in range(MANY):
        bench.ask()
    bench.until(before + MANY, done=True)
    return MANY / (time.monotonic() - began)


def _idle() -> float:
    """Return the share of a core that this process takes while nothing is asked, in percent."""
    process = psutil.Process()
    threading.Event().wait(2.0)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    threading.Event().wait(IDLE)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began) * 100


def _bare(database: Database) -> float:
    began = time.monotonic()
    for number in range(COMMITS):
        with database.tx() as connection:
            connection.execute(meta.delete().where(meta.c.key == "bench"))
            connection.execute(meta.insert().values(key="bench", value=str(number)))
    return COMMITS / (time.monotonic() - began)


def _count_commits() -> Iterator[int]:
    """Count from now on; the first ``next`` returns how many there were."""
    count = [0]

    def commit(_: object) -> None:
        count[0] += 1

    event.listen(SqlEngine, "commit", commit)

    def told() -> Iterator[int]:
        event.remove(SqlEngine, "commit", commit)
        yield count[0]

    return told()


def _size(database: Database) -> int:
    """Return the bytes of the database, its log written back first."""
    if database.engine.dialect.name == "sqlite":
        raw = database.engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()
        return Path(database.place).stat().st_size
    with database.engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
