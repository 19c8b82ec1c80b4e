"""A dead worker's work runs on a peer: whoever serves the same queue takes it over (PostgreSQL only).

Dead = nobody holds the worker's name any longer. The work goes back to the queue that it came from, with the number
of its attempts, so that DBOS's budget of recoveries holds across machines.
"""

from __future__ import annotations

import logging

from aistack_backend.engine.enqueue import APP_NAME, APP_VERSION, Queue
from aistack_backend.engine.hold import borrowed, held, key
from aistack_backend.engine.lease import WORKER
from aistack_backend.store.database import Database

log = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between two looks for workers that died."""


class Peers:
    """Looks for them. Blocks on SQL: call it from a thread."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue

    def take_over(self, own_name: str) -> dict[str, int]:
        """Put what dead workers left back into the queues served here; return how much each had left.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
        """
        taken: dict[str, int] = {}
        running = self._running(own_name)
        if not running:
            return taken
        with self._database.read() as connection:
            alive = held(connection)
        for name, flows in running.items():
            if key(name) in alive:
                continue

            def put_back(name: str = name, flows: list[str] = flows) -> None:
                taken[name] = sum(self._queue.put_back(flow, name) for flow in flows)

            borrowed(self._database.engine, name, put_back)
        for name, count in taken.items():
            log.warning("the worker %s is dead: %s executions of it go to its peers", name, count)
        return taken

    def _running(self, own_name: str) -> dict[str, list[str]]:
        """Return the executions that other workers are at, of the queues served here, by worker."""
        found = self._queue.prepare().list_workflows(
            status="PENDING",
            queue_name=list(self._queue.shared),
            app_version=APP_VERSION,
            application_name=APP_NAME,
            load_input=False,
            load_output=False,
        )
        running: dict[str, list[str]] = {}
        for flow in found:
            holder = flow.executor_id or ""
            if holder.startswith(f"{WORKER.noun}-") and holder != own_name:
                running.setdefault(holder, []).append(flow.workflow_id)
        return running
