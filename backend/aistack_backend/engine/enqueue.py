"""Puts approved executions into DBOS's queue, in the transaction of the decision; needs no running engine."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, event, inspect, select
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from aistack_backend.engine.tools import Registry
from aistack_backend.errors import Unavailable
from aistack_backend.store.database import BUSY_MS, Database
from aistack_backend.store.tables import approval

if TYPE_CHECKING:  # importing dbos takes about a second: only inside functions here
    from dbos import DBOSClient, EnqueueOptions

QUEUE = "tasks"
"""The backend's own queue. On PostgreSQL each kind that runs anywhere has a queue of its own, named like the kind: a
process listens to the queues of the kinds that it has a tool for, so nothing is ever taken by one that has none."""
AGENTS = "agents"
"""The backend's queue of kinds that can pause: they go on for hours, and must not hold the slots that a stop needs."""
WORKFLOW = "exec"
WORKERS = 8
"""Executions that run at once."""
POLL = 0.25
"""Seconds between looks at the queue: half of this is the mean delay from decision to start."""
APP_NAME = "aistack"
APP_VERSION = "1"
"""A contract number of ours: the shape of the ``exec`` workflow. DBOS refuses to resume another version."""


def workflow_id(task_id: int, approval_id: int, revision: int, resumes: int = 0) -> str:
    """Return the id that makes the same execution the same row, however often it is enqueued; each time that a person
    resumed it is an execution of its own."""
    return f"exec:{task_id}:{revision}:a{approval_id}" + (f":r{resumes}" if resumes else "")


def system_engine(database: Database) -> SqlEngine:
    """Return the SQLAlchemy engine that DBOS works with: ours on PostgreSQL, a twin on SQLite.

    DBOS begins its own transactions and sets no pragmas, so on SQLite it needs the driver to say
    ``BEGIN IMMEDIATE`` before writes and has to be given WAL, FULL and the busy timeout.
    """
    if database.engine.dialect.name != "sqlite":
        return database.engine
    arguments = {"check_same_thread": False, "timeout": BUSY_MS / 1000, "isolation_level": "IMMEDIATE"}
    engine = create_engine(database.engine.url, connect_args=arguments)
    event.listen(engine, "connect", _pragmas)
    return engine


class Queue:
    """Implements :class:`aistack_backend.approvals.port.Enqueue` with a DBOS client."""

    def __init__(self, database: Database, poll: float = POLL, registry: Registry | None = None) -> None:
        """``registry`` says which kinds pause, and which a worker can run as well; on SQLite there are no workers."""
        self._database = database
        self._registry = registry or Registry()
        self._poll = poll
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None
        self.system = system_engine(database)
        """The engine to hand to DBOS."""

    @property
    def shared(self) -> tuple[str, ...]:
        """The queues that workers serve too."""
        return self._registry.anywhere() if self._database.engine.dialect.name == "postgresql" else ()

    def prepare(self) -> DBOSClient:
        """Import DBOS and create or migrate its tables (a second or two the first time); safe from any thread.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be written.
        """
        from dbos import DBOS

        with self._lock:
            if self._client is None:
                logging.getLogger("dbos").setLevel(logging.WARNING)
                DBOS.migrate(self._database.engine.url.render_as_string(hide_password=False))
                client = self._connect()
                for name in (QUEUE, AGENTS, *self.shared):
                    poll = self._poll * 2 if name == AGENTS else self._poll  # nobody minds when a loop begins
                    client.register_queue(name, worker_concurrency=WORKERS, polling_interval_sec=poll)
                self._client = client
            return self._client

    def enqueue(self, connection: Connection, task_id: int, approval_id: int, revision: int, resumes: int = 0) -> None:
        """Enqueue in the caller's transaction: a rollback leaves no ghost, a repeat leaves one row.

        Raises:
            Unavailable: the queue's tables are not there yet, in the first seconds of a new data directory.
        """
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": self._queue_of(connection, approval_id),
            "workflow_id": workflow_id(task_id, approval_id, revision, resumes),
            "app_version": APP_VERSION,
        }
        client = self._client or self._unprepared(connection)
        client.enqueue_in_transaction(connection, options, task_id, approval_id, revision)

    def put_back(self, flow: str, holder: str) -> bool:
        """Put an execution of a dead process back into the queue that it came from; its attempts stay counted.

        Returns False when it is no longer that process's: it ended, or somebody took it over. DBOS's public
        ``resume_workflows`` would set the attempts to 0, so that a killer would never be given up.
        """
        return bool(self.prepare()._sys_db.reenqueue_for_recovery(flow, [holder], QUEUE))

    def close(self) -> None:
        """Close the client and the twin engine."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None
        if self.system is not self._database.engine:
            self.system.dispose()

    def _queue_of(self, connection: Connection, approval_id: int) -> str:
        kind = str(connection.execute(select(approval.c.kind).where(approval.c.id == approval_id)).scalar())
        if kind in self.shared:
            return kind
        return AGENTS if self._registry.pausable(kind) else QUEUE

    def _unprepared(self, connection: Connection) -> DBOSClient:
        schema = None if connection.dialect.name == "sqlite" else "dbos"
        if not inspect(connection).has_table("workflow_status", schema=schema):
            raise Unavailable(
                "The task queue is being set up for the first time, so this cannot be decided yet.",
                "Decide again in a few seconds.",
            )
        self._client = self._connect()
        return self._client

    def _connect(self) -> DBOSClient:
        from dbos import DBOSClient, DBOSPortableJSONSerializer

        return DBOSClient(
            system_database_engine=self.system,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APP_NAME,
            lazy=True,
        )


def _pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
