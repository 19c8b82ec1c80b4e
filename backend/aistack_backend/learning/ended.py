"""Write down how tasks ended: a watcher that looks once whenever the tasks changed (``source`` is ``task``).

A task that was denied did nothing, and is not written down. A loop that ended with its proof is judged good by that
proof; of everything else a person judges.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from aistack_backend.clock import Clock
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.learning.models import Interaction, Verdict
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.store.database import Database
from aistack_backend.store.learning_tables import ended_task
from aistack_backend.store.loop_tables import loop_pass
from aistack_backend.store.tables import approval, effect, task
from aistack_backend.store.use_tables import loop_use
from aistack_backend.wire.tasks import TaskState

RECENT = 3_600.0
"""Seconds: what ended longer ago is not written down any more, since its time would be wrong."""
PROOF = "proof"
"""Who judges a loop that proved its goal."""
LOOP = "loop.run"
MILLION = Decimal(1_000_000)


class Ended:
    """Belongs to any thread; each task is written down once, whoever looks."""

    def __init__(self, database: Database, clock: Clock, telemetry: Telemetry) -> None:
        self._database, self._clock, self._telemetry = database, clock, telemetry

    def look(self) -> tuple[int, ...]:
        """Write down what ended since the last look; return the numbers of the interactions."""
        ended = task.c.state.in_(sorted(FINAL - {TaskState.DENIED})) & (task.c.updated_at > self._clock.now() - RECENT)
        new = select(task).where(ended, task.c.id.not_in(select(ended_task.c.task_id))).order_by(task.c.id)
        with self._database.read() as connection:
            found = [(row, _told(connection, row)) for row in connection.execute(new)]
        return tuple(number for row, one in found if (number := self._keep(row.id, *one)) is not None)

    def _keep(self, task_id: int, one: Interaction, proven: bool) -> int | None:
        with self._database.tx() as connection:
            if connection.execute(select(ended_task.c.task_id).where(ended_task.c.task_id == task_id)).first():
                return None  # another process was first
            connection.execute(insert(ended_task).values(task_id=task_id))
        number = self._telemetry.record(one)
        if proven:
            self._telemetry.judge(number, Verdict.GOOD, PROOF)
        return number


def _told(connection: Connection, row: Row[Any]) -> tuple[Interaction, bool]:
    """Return a task as an interaction, and whether it is proven."""
    state = TaskState(row.state)
    newest = select(approval.c.kind).where(approval.c.task_id == row.id).order_by(approval.c.id.desc()).limit(1)
    kind = connection.execute(newest).scalar() or ""
    used = _use(connection, row.id) if kind == LOOP else {}
    one = Interaction(
        source="task",
        event="ended",
        subject=f"task:{row.id}",
        query=row.goal,
        answer=row.result,
        task_class=kind,
        reason=row.planner,
        latency=_seconds(connection, row.id),
        ok=None if state is TaskState.UNSURE else state is TaskState.DONE,
        detail="" if state is TaskState.DONE else f"{state.value}: {row.reason}".rstrip(": "),
        **used,
    )
    return one, kind == LOOP and state is TaskState.DONE and _proven(connection, row.id)


def _proven(connection: Connection, task_id: int) -> bool:
    mine = select(loop_pass.c.proof_code).where(loop_pass.c.task_id == task_id)
    return connection.execute(mine.order_by(loop_pass.c.number.desc()).limit(1)).scalar() == 0


def _seconds(connection: Connection, task_id: int) -> float | None:
    """Return how long its effects took; None when it had none, or one has no end."""
    mine = select(func.min(effect.c.begun_at), func.max(effect.c.ended_at)).where(effect.c.task_id == task_id)
    row = connection.execute(mine).one()
    return None if row[0] is None or row[1] is None else max(0.0, float(row[1]) - float(row[0]))


def _use(connection: Connection, task_id: int) -> dict[str, Any]:
    sums = select(*(func.sum(loop_use.c[name]) for name in ("read", "written", "cost")))
    row = connection.execute(sums.where(loop_use.c.task_id == task_id)).one()
    if row[0] is None:
        return {}
    priced = {"cost": str(Decimal(int(row[2])) / MILLION), "currency": "USD"} if row[2] else {}
    return {"tokens_in": int(row[0]), "tokens_out": int(row[1]), **priced}
