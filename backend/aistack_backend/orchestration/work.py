"""A worker process: it runs what was approved elsewhere, on the database that it shares with the backend.

It has no API, no approvals of its own and no Podman. It serves the kinds that it has a tool for, and no other.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.bus import Bus
from aistack_backend.clock import FollowedClock, SystemClock
from aistack_backend.engine.enqueue import POLL
from aistack_backend.engine.lease import WORKER
from aistack_backend.engine.members import EVERY, Members
from aistack_backend.engine.rounds import Round
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.tools import Registry, Tool
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.observe.traces.service import Traces
from aistack_backend.orchestration import board
from aistack_backend.orchestration.fetch.tool import FetchTool
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import Approval, ApprovalState

log = logging.getLogger(__name__)
LOST = 5
"""Exit code of a worker whose name may be another's."""
CLOCK = 10.0
"""Seconds to wait for a beat of the backend's clock."""
LAUNCH = 60.0
"""Seconds that the launch may take."""


def tools(way: WayOut) -> tuple[Tool, ...]:
    """Return the tools that run on any machine: they need neither Podman nor a file of the backend's."""
    return (FetchTool(way=way),)


class WorkProcess:
    """One worker: its lease, its witness of the audit, its tools."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        tools: Sequence[Tool],
        fallen: Callable[[str], None],
        *,
        poll: float = POLL,
    ) -> None:
        """Open the database; ``folder`` is this worker's own. ``fallen`` has to end the process at once.

        Raises:
            BadInput: the database is not one that processes can share.
            Unavailable: it cannot be reached.
        """
        shareable(database_url)
        self._database = Database(database_url)
        self._clock = FollowedClock(SystemClock())
        self._members = Members(self._database, self._clock)
        self._audit = AuditLog(self._database, folder / "audit", self._clock)
        self._traces = Traces(
            self._database, self._clock, self._audit.redactor.text, most=0, service=f"worker {folder.name}"
        )
        bus, registry = Bus(), Registry()
        approvals = Approvals(self._database, self._audit, Policy(), self._clock, bus)
        approvals.watchers.append(self._follow)
        for tool in tools:
            registry.register(tool, anywhere=True)
        self.kinds = registry.anywhere()
        """What it runs."""
        parts = (self._database, registry, approvals, self._audit, self._clock, folder, bus)
        self._engine = Engine(*parts, poll=poll, role=WORKER, fallen=fallen)
        self._engine.also.append(Round(name="the backend's clock", every=EVERY, work=self._follow_clock))

    def start(self) -> str:
        """Take the lease, begin to work, and return the name under which it is known.

        Raises:
            Conflict: this folder, or its name, belongs to a worker that lives.
            Unavailable: no backend's clock is to be seen, or the engine could not be launched.
        """
        deadline = time.monotonic() + CLOCK
        while not self._follow_clock():
            if time.monotonic() > deadline:
                raise Unavailable(
                    "No backend has been at work on this database lately, and approvals go by its clock.",
                    "Start the backend first, with the same database.",
                )
            threading.Event().wait(EVERY / 2)
        self._traces.start()
        self._engine.start()
        if not self._engine.wait_running(LAUNCH):
            raise Unavailable(self._engine.failure or f"The engine was not up within {LAUNCH:.0f} seconds.")
        return self._engine.name

    def stop(self, grace: float) -> None:
        """Begin nothing new, give what runs ``grace`` seconds, and end."""
        self._engine.stop(grace)
        self._traces.stop()
        self._audit.close()
        self._database.close()

    def _follow_clock(self) -> bool:
        return self._clock.follow(self._members.backend())

    def _follow(self, connection: Connection, changed: Approval) -> None:
        if changed.state is not ApprovalState.PENDING:
            board.follow(connection, self._clock, changed)


def shareable(database_url: str) -> None:
    """Accept the URL of a database that processes can share.

    Raises:
        BadInput: it is none.
    """
    hint = "Give --database postgresql+psycopg://USER@HOST/NAME, and the backend the same in backend.database."
    try:
        kind = make_url(database_url).get_backend_name()
    except ArgumentError as error:
        raise BadInput("What was given is no database URL.", hint) from error  # it may hold a password: not repeated
    if kind != "postgresql":
        raise BadInput(f"A worker needs the PostgreSQL database of its backend, and this one is {kind}.", hint)


def fall(why: str) -> None:
    """End this process and its children now: what it worked on may be a peer's already."""
    log.critical("%s This worker ends.", why)
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(LOST)
