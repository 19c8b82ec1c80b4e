"""The engine: takes the lease, launches DBOS from a plain thread, executes, stops."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.engine import maintain
from aistack_backend.engine.company import Company
from aistack_backend.engine.enqueue import AGENTS, APP_NAME, APP_VERSION, POLL, QUEUE, Queue
from aistack_backend.engine.gate import Gate
from aistack_backend.engine.lease import BACKEND, Lease, Role
from aistack_backend.engine.ledger import Ledger
from aistack_backend.engine.marks import Marks, Open
from aistack_backend.engine.orphans import Orphans
from aistack_backend.engine.port import Journal, Permits
from aistack_backend.engine.rounds import Round, go_round
from aistack_backend.engine.runner import LOOK_AGAIN, Runner
from aistack_backend.engine.tools import Registry
from aistack_backend.store.database import Database
from aistack_backend.wire.containers import Activity
from aistack_backend.wire.events import Topic

if TYPE_CHECKING:  # importing dbos takes about a second: only inside functions here
    from dbos import DBOS

log = logging.getLogger(__name__)


ORPHANS_EVERY = 30.0
"""Seconds between looks for tasks that nobody works on."""


class Engine:
    """Durable execution for one data directory. Implements ``approvals.port.Enqueue``.

    Order at a start of the backend: ``claim()`` (synchronous, quick) before the API answers, then ``start()``.
    Between the two decisions may already commit: they run as soon as the engine is up.
    """

    _thread: threading.Thread | None = None
    _dbos: DBOS | None = None

    def __init__(
        self,
        database: Database,
        registry: Registry,
        approvals: Permits,
        audit: Journal,
        clock: Clock,
        data_dir: Path,
        bus: Bus | None = None,
        *,
        poll: float = POLL,
        look_again: Sequence[float] = LOOK_AGAIN,
        role: Role = BACKEND,
        fallen: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Wire it up; ``poll`` and ``look_again`` are seconds. A worker's ``fallen`` is told, from a thread, when its
        name may be another's: it has to end the process at once."""
        self.registry = registry
        self.ledger = Ledger(clock)
        self.marks = Marks(clock)
        self.on_done: list[Callable[[int], None]] = []
        """Called with the task id, in a thread of the engine, whenever the engine changed a task's state."""
        self.also: list[Round] = []
        """What else comes round in the engine's thread once it is launched."""
        self.failure = ""
        """Why the engine could not launch, in one sentence; empty while it runs or starts."""
        self._permits = approvals
        self._clock = clock
        self._bus = bus
        self._role = role
        self._fallen = fallen
        self._lease = Lease(data_dir, database.engine, role, self._lost)
        self._queue = Queue(database, poll, registry)
        lease = self._lease
        gate = Gate(database, registry, approvals, audit, clock, self.ledger, lease.stands, lease.actor)
        self._runner = Runner(gate, registry, self._tell, look_again, self._lease.firm)
        self._orphans = Orphans(database, self._queue, gate, clock)
        self._maintenance = maintain.Maintenance(database, self._queue, clock)
        self.company = Company(database, self._queue, role, self._lease, clock)
        self._stopping, self._up = threading.Event(), threading.Event()

    @property
    def name(self) -> str:
        """What this engine is known as in the database; empty before ``claim``."""
        return self._lease.name

    @property
    def running(self) -> bool:
        """True while approved actions are being executed."""
        return self._up.is_set() and not self.failure

    def claim(self) -> None:
        """Take the lease; a backend then makes stale what an earlier life left approved and unused (R1.7).

        Raises:
            Conflict: another backend works on this data directory; the sentence names its pid.
            Unavailable: the data directory cannot be written.
        """
        if not self._lease.held:
            self._lease.acquire()
            try:
                if self._role.brain:
                    self._permits.on_restart()
                self.company.beat()
            except BaseException:
                self._lease.release()  # half a claim is none: the next one makes them stale
                raise

    def start(self) -> None:
        """Claim, then launch DBOS in a thread and return at once.

        Raises:
            Conflict, Unavailable: as ``claim``.
        """
        self.claim()
        self._thread = threading.Thread(target=self._launch, name="engine-launch", daemon=True)
        self._thread.start()

    def wait_running(self, timeout: float) -> bool:
        """Wait for the launch to end; True when the engine runs."""
        self._up.wait(timeout)
        return self.running

    def enqueue(self, connection: Connection, task_id: int, approval_id: int, revision: int) -> None:
        """Enqueue an approved execution in the caller's transaction, with or without a running engine.

        Raises:
            Unavailable: in the first seconds of a new data directory.
        """
        self._queue.enqueue(connection, task_id, approval_id, revision)

    def prepare(self) -> None:
        """Make the queue's tables now instead of in the launching thread (about two seconds)."""
        self._queue.prepare()

    def cancel(self, task_id: int, why: str) -> None:
        """Stop the running effect of a task, or the one about to run; ``why`` is a sentence naming who."""
        self._runner.stop(task_id, why)

    def pausable(self, kind: str) -> bool:
        """Whether what runs of this kind can stop in between."""
        return self.registry.pausable(kind) is not None

    def pause(self, task_id: int, why: str) -> None:
        """Have the running effect of a task stop in between; ``why`` is a sentence naming who."""
        self._runner.pause(task_id, why)

    def resume(self, connection: Connection, task_id: int, left: Open) -> None:
        """Take a paused effect up again, in the caller's transaction.

        Raises:
            Unavailable: in the first seconds of a new data directory.
        """
        count = self.marks.resume(connection, left.key)
        self._queue.enqueue(connection, task_id, left.approval_id, left.revision, count)

    def stop(self, grace: float = 10.0) -> None:
        """Begin nothing new, give running effects ``grace`` seconds, stop them, shut DBOS down, free the lease."""
        self._runner.close()
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._stop_looking()
        self._drain(grace)
        self._runner.stop_all()
        self._drain(5.0)
        if self._thread is not None and not self.failure:
            self._shut_down()
        if self._thread is not None:
            self.company.leave()
        self._thread = None
        self._up.clear()
        self._queue.close()
        self._lease.release()

    def _stop_looking(self) -> None:
        """Stop DBOS's looks at its queues: it would close its loop under one that has just claimed something."""
        if self._dbos is None:
            return
        for ending in self._dbos.background_thread_stop_events:
            ending.set()
        for thread in threading.enumerate():
            if thread.name.startswith("queue-worker-"):
                _ended(thread)

    def _shut_down(self) -> None:
        """Let DBOS write down what has just ended, then end it."""
        from dbos import DBOS

        deadline = time.monotonic() + 1.0
        while self._dbos and self._dbos._active_workflows_set.activeList() and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        DBOS.destroy()
        self._dbos = None

    def _drain(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._runner.active and time.monotonic() < deadline:
            threading.Event().wait(0.02)

    def _launch(self) -> None:
        try:
            self._launch_dbos()
            self.company.begin()
            if self._role.brain:
                self._settle_orphans()
        except Exception as error:
            log.exception("the engine cannot start")
            self._fail(f"The engine cannot start: {type(error).__name__}: {error}")
        finally:
            self._up.set()
        if not self.failure:
            go_round(self._rounds(), self._stopping)

    def _rounds(self) -> list[Round]:
        """What comes round: a backend's duties, and what processes on one database owe each other."""
        duties = [
            Round(name="the look for orphans", every=ORPHANS_EVERY, work=self._settle_orphans),
            Round(name="maintenance", every=maintain.EVERY, first=maintain.FIRST, work=self._maintenance.sweep),
        ]
        return [*(duties if self._role.brain else ()), *self.company.rounds(self._runner, self._tell), *self.also]

    def _settle_orphans(self) -> None:
        for task_id in self._orphans.settle():
            self._tell(task_id)

    def _lost(self, why: str) -> None:
        """The name may be another's now: a worker falls, a backend takes it anew as soon as it can."""
        log.error("%s", why)
        if not self._role.brain:
            self._fallen(why)
            return
        while not self._stopping.wait(1.0):
            try:
                taken = self._lease.retake()
            except SQLAlchemyError as error:
                log.warning("the name cannot be taken anew yet: %s", error)
                continue
            if taken:
                self._runner.close()
                self._fail(f"The engine stops: {taken}")
            return

    def _fail(self, why: str) -> None:
        self.failure = why
        if self._bus is not None:
            told = Activity(at=self._clock.now(), who="backend", text=why, action="engine.failed")
            self._bus.publish(Topic.ACTIVITY, told)

    def _launch_dbos(self) -> None:
        self._queue.prepare()
        from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

        from aistack_backend.engine import flows

        flows.serve(self._runner)
        config: DBOSConfig = {
            "name": APP_NAME,
            "system_database_engine": self._queue.system,
            "serializer": DBOSPortableJSONSerializer(),
            "executor_id": self._lease.name,
            "application_version": APP_VERSION,
            "run_migrations": False,
            "log_level": "WARNING",
        }
        self._dbos = DBOS(config=config)
        DBOS.listen_queues([*((QUEUE, AGENTS) if self._role.brain else ()), *self._queue.shared])
        _take_over_log()
        DBOS.launch()

    def _tell(self, task_id: int) -> None:
        for callback in self.on_done:
            try:
                callback(task_id)
            except Exception:
                log.exception("a listener of the engine broke")


def _take_over_log() -> None:
    """Send DBOS's log where ours goes: its own handler writes to the terminal."""
    logger = logging.getLogger("dbos")
    for handler in tuple(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(logging.NullHandler())
    logger.propagate = True


def _ended(thread: threading.Thread) -> None:
    """Wait two seconds at most for a thread to end; one that is being started in this moment is waited for, too."""
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline:
        try:
            thread.join(2.0)
        except RuntimeError:  # it is known before it can be joined
            threading.Event().wait(0.005)
        else:
            return
