"""The effect ledger: what began, and how it ended. Pure SQL: it survives a change of engine.

A row is written as BEGUN in the transaction that uses up the approval, before anything acts. It leaves BEGUN once.
A row that is BEGUN when a run starts was interrupted: it is probed, never silently repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.errors import Conflict
from aistack_backend.store.tables import effect

LIMIT = 16_000
"""Characters of an outcome that are kept."""


class EffectState(StrEnum):
    """Where an effect stands. Every state but BEGUN is final."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """A person stopped it, or it was proven that it never ran."""
    UNKNOWN = "unknown"
    """It may have run and nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One effect as the ledger knows it."""

    key: str
    task_id: int
    approval_id: int
    kind: str
    state: EffectState
    begun_at: float
    outcome: str
    """How it ended; while BEGUN: why it must stop, or empty."""


def effect_key(task_id: int, revision: int, approval_id: int, attempt: int = 1) -> str:
    """Return the key under which one use of one approval acts on the world."""
    return f"{task_id}:{revision}:a{approval_id}:{attempt}"


class Ledger:
    """Reads and writes effect rows on the caller's connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def find(self, connection: Connection, key: str) -> Entry | None:
        """Return the effect of a key, or None when it never began."""
        row = connection.execute(select(effect).where(effect.c.key == key)).mappings().first()
        if row is None:
            return None
        return Entry(
            key=row["key"],
            task_id=row["task_id"],
            approval_id=row["approval_id"],
            kind=row["kind"],
            state=EffectState(row["state"]),
            begun_at=row["begun_at"],
            outcome=row["outcome"],
        )

    def begin(self, connection: Connection, key: str, *, task_id: int, approval_id: int, kind: str) -> None:
        """Write that an effect begins now.

        Raises:
            sqlalchemy.exc.IntegrityError: this key began before.
        """
        connection.execute(
            insert(effect).values(
                key=key,
                task_id=task_id,
                approval_id=approval_id,
                kind=kind,
                state=EffectState.BEGUN,
                begun_at=self._clock.now(),
                outcome="",
            )
        )

    def ask_stop(self, connection: Connection, task_id: int, why: str) -> bool:
        """Write on the begun effects of a task that they must stop; True when there was one."""
        wanted = (effect.c.task_id == task_id) & (effect.c.state == EffectState.BEGUN)
        return connection.execute(update(effect).where(wanted).values(outcome=why[:LIMIT])).rowcount > 0

    def give_up(self, connection: Connection, task_id: int, why: str) -> None:
        """Write that the begun effect of a paused task will not be taken up again."""
        begun = (effect.c.task_id == task_id) & (effect.c.state == EffectState.BEGUN)
        values = {"state": EffectState.CANCELLED, "ended_at": self._clock.now(), "outcome": why[:LIMIT]}
        connection.execute(update(effect).where(begun).values(**values))

    def end(self, connection: Connection, key: str, state: EffectState, outcome: str) -> None:
        """Write how it ended: any state but BEGUN.

        Raises:
            Conflict: the effect never began, or has ended already.
        """
        begun = (effect.c.key == key) & (effect.c.state == EffectState.BEGUN)
        values = {"state": state, "ended_at": self._clock.now(), "outcome": outcome[:LIMIT]}
        if connection.execute(update(effect).where(begun).values(**values)).rowcount != 1:
            raise Conflict(f"The effect {key} cannot become {state}: it is not running according to the ledger.")
