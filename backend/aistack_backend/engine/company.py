"""What processes on one PostgreSQL database owe each other; on SQLite there is one process, and nothing to do."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aistack_backend.clock import Clock
from aistack_backend.engine import members, peers, tidings, wishes
from aistack_backend.engine.enqueue import Queue
from aistack_backend.engine.lease import Lease, Role
from aistack_backend.engine.rounds import Round
from aistack_backend.engine.runner import Runner
from aistack_backend.errors import Unavailable
from aistack_backend.store.database import Database

log = logging.getLogger(__name__)


class Company:
    """One process among its peers. Every method blocks on SQL."""

    def __init__(self, database: Database, queue: Queue, role: Role, lease: Lease, clock: Clock) -> None:
        self.on_news: list[Callable[[], None]] = []
        """Called when a worker may have changed approvals or the audit."""
        self._database = database
        self._queue = queue
        self._role = role
        self._lease = lease
        self._members = members.Members(database, clock)
        self._peers = peers.Peers(database, queue)
        self._tidings = tidings.Tidings(database)

    def beat(self) -> None:
        """Say that this process is here.

        Raises:
            Unavailable: the database cannot be written.
        """
        if shared := self._queue.shared:
            self._members.beat(self._lease.name, self._role, shared)

    def leave(self) -> None:
        """Say that this process ends. A backend stays known by its last beat: workers go by its clock."""
        if self._queue.shared and not self._role.brain:
            try:
                self._members.leave(self._lease.name)
            except Unavailable as error:
                log.warning("%s is not signed off: %s", self._lease.name, error.detail)

    def begin(self) -> None:
        """Take what is new as new from here."""
        if self._role.brain and self._queue.shared:
            self._tidings.tasks()

    def rounds(self, runner: Runner, changed: Callable[[int], None]) -> list[Round]:
        """Return what comes round: a backend hears of workers, a worker heeds the backend, all look after the dead."""
        if not self._queue.shared:
            return []
        own = (
            Round(name="the look for tidings", every=tidings.EVERY, work=lambda: self._hear(changed))
            if self._role.brain
            else Round(name="the look for wishes", every=wishes.EVERY, work=lambda: self._heed(runner))
        )
        dead = Round(name="the look for dead workers", every=peers.EVERY, work=self._take_over)
        rounds = [own, dead, Round(name="the beat", every=members.EVERY, work=self.beat)]
        if self._role.brain:
            rounds.append(Round(name="forgetting", every=members.FORGET, first=0.0, work=self._members.forget))
        return rounds

    def _take_over(self) -> None:
        self._peers.take_over(self._lease.name)

    def _hear(self, changed: Callable[[int], None]) -> None:
        if heard := self._tidings.tasks():
            for listener in self.on_news:
                listener()
            for task_id in heard:
                changed(task_id)

    def _heed(self, runner: Runner) -> None:
        for wish in wishes.wishes(self._database, runner.acting):
            if wish.stop:
                runner.stop(wish.task_id, wish.stop)
            else:
                runner.pause(wish.task_id, wish.pause)
