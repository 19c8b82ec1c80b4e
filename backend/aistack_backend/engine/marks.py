"""Marks of effects that go on for long: the last moment at which they rightly did, and whether they are to pause.

An effect that was interrupted runs on under its old approval only soon after that (see ``gate.RERUN_WITHIN``). For one
that takes hours the moment that counts is not its beginning but the last mark, or a person's word to resume.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from aistack_backend.clock import Clock
from aistack_backend.engine.ledger import EffectState
from aistack_backend.store.mark_tables import effect_mark
from aistack_backend.store.tables import effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known of one effect that has begun."""

    at: float
    mono: float
    boot_id: str
    pausing: str
    """Why it is to pause; empty = it is not."""
    resumes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An effect of a task that has begun and not ended."""

    key: str
    kind: str
    approval_id: int
    revision: int


class Marks:
    """Reads and writes marks on the caller's connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def find(self, connection: Connection, key: str) -> Mark | None:
        """Return the mark of an effect, None when it was never marked."""
        row = connection.execute(select(effect_mark).where(effect_mark.c.key == key)).mappings().first()
        return Mark(**{name: row[name] for name in Mark.__slots__}) if row else None

    def going_on(self, connection: Connection, key: str) -> None:
        """Mark that it goes on now."""
        self._put(connection, key)

    def ask_pause(self, connection: Connection, key: str, why: str) -> None:
        """Write that it is to pause; ``why`` is a sentence naming who."""
        self._put(connection, key, pausing=why)

    def resume(self, connection: Connection, key: str) -> int:
        """Write that it may go on from now; return how often that was said, this time included."""
        found = self.find(connection, key)
        count = found.resumes + 1 if found else 1
        self._put(connection, key, pausing="", resumes=count)
        return count

    def fresh(self, connection: Connection, key: str, within: float) -> bool:
        """Whether it was marked in this boot, within so many seconds by both clocks."""
        found = self.find(connection, key)
        if found is None or found.boot_id != self._clock.boot_id():
            return False
        return 0 <= self._clock.now() - found.at <= within and 0 <= self._clock.mono() - found.mono <= within

    def open(self, connection: Connection, task_id: int) -> Open | None:
        """Return the begun effect of a task; a task has one at most."""
        begun = (effect.c.task_id == task_id) & (effect.c.state == EffectState.BEGUN)
        row = connection.execute(select(effect).where(begun)).mappings().first()
        if row is None:
            return None
        revision = int(str(row["key"]).split(":")[1])
        return Open(key=row["key"], kind=row["kind"], approval_id=row["approval_id"], revision=revision)

    def _put(self, connection: Connection, key: str, **more: object) -> None:
        values = {"at": self._clock.now(), "mono": self._clock.mono(), "boot_id": self._clock.boot_id(), **more}
        changed = connection.execute(update(effect_mark).where(effect_mark.c.key == key).values(**values))
        if changed.rowcount == 0:
            connection.execute(insert(effect_mark).values(key=key, **values))
