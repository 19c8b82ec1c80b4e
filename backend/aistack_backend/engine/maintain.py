"""Deletes what only the queue needed: DBOS's rows of executions that ended, and marks of effects that ended.

Tasks, approvals, effects and the audit are records, and stay.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select

from aistack_backend.clock import Clock
from aistack_backend.engine.enqueue import WORKFLOW, Queue
from aistack_backend.engine.ledger import EffectState
from aistack_backend.store.database import Database
from aistack_backend.store.mark_tables import effect_mark
from aistack_backend.store.tables import effect

log = logging.getLogger(__name__)
EVERY, FIRST = 3600.0, 60.0
"""Seconds between two times, and until the first after a start."""
KEPT = 14 * 86_400.0
"""Seconds that the rows of an ended execution stay, to be looked at."""
BATCH, BATCHES = 500, 40
"""Executions deleted in one transaction, and transactions of one time: the rest is for the next hour."""
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
"""DBOS's words for a workflow that will not run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How much was deleted."""

    executions: int
    marks: int


class Maintenance:
    """Blocks on SQL: call it from a thread."""

    def __init__(self, database: Database, queue: Queue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def sweep(self, kept: float = KEPT) -> Swept:
        """Delete what ended more than ``kept`` seconds ago.

        Raises:
            Unavailable, sqlalchemy.exc.SQLAlchemyError: the database cannot be written.
        """
        before = self._clock.now() - kept
        executions = 0
        for _ in range(BATCHES):
            found = self._ended(before)
            self._queue.prepare().delete_workflows(found)
            executions += len(found)
            if len(found) < BATCH:
                break
        swept = Swept(executions=executions, marks=self._marks(before))
        if swept.executions or swept.marks:
            log.info("deleted the queue's rows of %s executions and %s marks", swept.executions, swept.marks)
        return swept

    def _ended(self, before: float) -> list[str]:
        found = self._queue.prepare().list_workflows(
            name=WORKFLOW,
            status=list(ENDED),
            completed_before=datetime.fromtimestamp(before, UTC).isoformat(),
            limit=BATCH,
            load_input=False,
            load_output=False,
        )
        return [flow.workflow_id for flow in found]

    def _marks(self, before: float) -> int:
        over = select(effect.c.key).where((effect.c.state != EffectState.BEGUN) & (effect.c.ended_at < before))
        with self._database.tx() as connection:
            return connection.execute(delete(effect_mark).where(effect_mark.c.key.in_(over))).rowcount
