"""The rows of loops: the only memory that a loop has, so that another life of the backend goes on from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.engine.taskrow import FINAL
from aistack_backend.errors import NotFound
from aistack_backend.orchestration.loop.breaker import Left
from aistack_backend.store.database import Database
from aistack_backend.store.loop_tables import loop, loop_guidance, loop_pass
from aistack_backend.store.tables import task
from aistack_backend.store.use_tables import loop_use
from aistack_backend.wire.loops import LoopPass, ModelUse, PassState

OPEN = (PassState.WORKING, PassState.PROVING)
NEWEST = 100
USED = ("answers", "read", "written", "cost")


class Rows:
    """Reads and writes; every method is one short transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, task_id: int, request: str, folder: str, base: str, base_tree: str) -> None:
        """Write that a loop has begun."""
        values = {"request": request, "folder": folder, "base": base, "base_tree": base_tree}
        with self._database.tx() as connection:
            connection.execute(insert(loop).values(task_id=task_id, began_at=self._clock.now(), **values))

    def loop(self, task_id: int) -> RowMapping | None:
        """Return the loop's row; None before it began."""
        with self._database.read() as connection:
            return connection.execute(select(loop).where(loop.c.task_id == task_id)).mappings().first()

    def newest(self) -> list[RowMapping]:
        """Return the rows of the newest loops, newest first."""
        with self._database.read() as connection:
            query = select(loop).order_by(loop.c.task_id.desc()).limit(NEWEST)
            return list(connection.execute(query).mappings())

    def passes(self, task_id: int) -> list[RowMapping]:
        """Return the passes, oldest first."""
        query = select(loop_pass).where(loop_pass.c.task_id == task_id).order_by(loop_pass.c.number)
        with self._database.read() as connection:
            return list(connection.execute(query).mappings())

    def start(self, task_id: int, number: int) -> str:
        """Write that a pass begins, with the guidance that waited; return that guidance."""
        with self._database.tx() as connection:
            said = _waiting(connection, task_id)
            text = "\n".join(row["text"] for row in said)
            values = {"state": PassState.WORKING, "began_at": self._clock.now(), "guidance": text}
            connection.execute(insert(loop_pass).values(task_id=task_id, number=number, **values))
            ids = [row["id"] for row in said]
            connection.execute(update(loop_guidance).where(loop_guidance.c.id.in_(ids)).values(used=number))
        return text

    def set(self, task_id: int, number: int, *, ended: bool = False, **values: Any) -> None:
        """Change a pass's row; ``ended`` stamps its end."""
        if ended:
            values["ended_at"] = self._clock.now()
        same = (loop_pass.c.task_id == task_id) & (loop_pass.c.number == number)
        with self._database.tx() as connection:
            connection.execute(update(loop_pass).where(same).values(**values))

    def state(self, task_id: int) -> str:
        """Return the state of the loop's task.

        Raises:
            NotFound: there is no such task.
        """
        with self._database.read() as connection:  # also called while the gate writes: it must want no lock
            state = connection.execute(select(task.c.state).where(task.c.id == task_id)).scalar()
        if state is None:
            raise NotFound(f"There is no task {task_id}.")
        return str(state)

    def ended_before(self, moment: float) -> list[int]:
        """Return the loops whose tasks ended before that moment, oldest first."""
        mine = select(loop.c.task_id).join(task, task.c.id == loop.c.task_id)
        old = task.c.state.in_(sorted(FINAL)) & (task.c.updated_at < moment)
        with self._database.read() as connection:
            return list(connection.execute(mine.where(old).order_by(loop.c.task_id)).scalars())

    def uses(self, task_id: int) -> dict[int, ModelUse]:
        """Return what each pass had of its model; passes that asked none are left out."""
        with self._database.read() as connection:
            rows = connection.execute(select(loop_use).where(loop_use.c.task_id == task_id)).all()
        return {row.number: ModelUse(**{name: getattr(row, name) for name in USED}) for row in rows}

    def use(self, task_id: int, number: int, use: ModelUse) -> None:
        """Keep what a pass has had so far."""
        values = {name: getattr(use, name) for name in USED}
        same = (loop_use.c.task_id == task_id) & (loop_use.c.number == number)
        with self._database.tx() as connection:
            connection.execute(delete(loop_use).where(same))
            connection.execute(insert(loop_use).values(task_id=task_id, number=number, **values))

    def guide(self, connection: Connection, task_id: int, text: str, by: str) -> None:
        """Keep what a person said for the next pass, in the caller's transaction."""
        row = {"task_id": task_id, "text": text, "by": by, "at": self._clock.now()}
        connection.execute(insert(loop_guidance).values(**row))

    def waiting(self, task_id: int) -> str:
        """Return the guidance that no pass has got yet."""
        with self._database.read() as connection:
            return "\n".join(row["text"] for row in _waiting(connection, task_id))

    def seconds(self, row: RowMapping) -> float:
        """Return how long ago the loop began."""
        return max(0.0, self._clock.now() - float(row["began_at"]))


def found(row: RowMapping | None, task_id: int) -> RowMapping:
    """Return the row.

    Raises:
        NotFound: there is none.
    """
    if row is None:
        raise NotFound(f"Task {task_id} is no loop that has begun.", "loop list names them.")
    return row


def left(rows: Sequence[RowMapping]) -> list[Left]:
    """Return what the passes left, for the breaker."""
    return [
        Left(
            number=row["number"],
            state=PassState(row["state"]),
            tree=row["tree"],
            error=row["agent_output"] if row["state"] == PassState.BLOCKED else row["proof_output"],
        )
        for row in rows
    ]


def wire(row: RowMapping, use: ModelUse, *, outputs: bool) -> LoopPass:
    """Return a pass as the console sees it."""
    return LoopPass(
        number=row["number"],
        state=PassState(row["state"]),
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        agent_code=row["agent_code"],
        agent_output=row["agent_output"] if outputs else "",
        restored=tuple(json.loads(row["restored"])),
        commit=row["commit"],
        changed=row["changed"],
        proof_code=row["proof_code"],
        proof_output=row["proof_output"] if outputs else "",
        guidance=row["guidance"],
        note=row["note"],
        use=use,
    )


def _waiting(connection: Connection, task_id: int) -> list[RowMapping]:
    same = (loop_guidance.c.task_id == task_id) & loop_guidance.c.used.is_(None)
    return list(connection.execute(select(loop_guidance).where(same).order_by(loop_guidance.c.id)).mappings())
