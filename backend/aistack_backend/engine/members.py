"""The processes that share a PostgreSQL database: who they are, which of them live, and the backend's clock."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from aistack_backend.clock import Beat, Clock
from aistack_backend.engine.enqueue import APP_VERSION
from aistack_backend.engine.hold import held, key
from aistack_backend.engine.lease import BACKEND, Role
from aistack_backend.store.database import Database
from aistack_backend.store.member_tables import engine_member

EVERY = 1.0
"""Seconds between two beats."""
FORGET = 3600.0
"""Seconds between two times of forgetting."""
FORGOTTEN = 86_400.0
"""Seconds after its last beat at which a dead member is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One process, as it said of itself; ``alive`` is what the server says."""

    name: str
    role: str
    host: str
    pid: int
    kinds: tuple[str, ...]
    contract: str
    at: float
    """When it said so last, by its own clock."""
    alive: bool


class Members:
    """Reads and writes the table; blocks on SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def beat(self, name: str, role: Role, kinds: Sequence[str]) -> None:
        """Say that this process is here, and what its clock says now.

        Raises:
            Unavailable: the database cannot be written.
        """
        values = {
            "role": role.noun,
            "host": platform.node(),
            "pid": os.getpid(),
            "kinds": " ".join(kinds),
            "contract": APP_VERSION,
            "boot_id": self._clock.boot_id(),
        }
        with self._database.tx() as connection:
            mine = engine_member.c.name == name
            earlier = mine | (engine_member.c.role == role.noun) if role.brain else mine  # there is one backend
            connection.execute(delete(engine_member).where(earlier))
            now = {"mono": self._clock.mono(), "at": self._clock.now()}  # as late as can be: others go by it
            connection.execute(insert(engine_member).values(name=name, **values, **now))

    def leave(self, name: str) -> None:
        """Forget a process that ends.

        Raises:
            Unavailable: the database cannot be written.
        """
        with self._database.tx() as connection:
            connection.execute(delete(engine_member).where(engine_member.c.name == name))

    def backend(self) -> Beat | None:
        """Return the last beat of the backend, None when there never was one.

        Raises:
            Unavailable: the database cannot be read.
        """
        query = select(engine_member.c.boot_id, engine_member.c.mono, engine_member.c.at)
        with self._database.read() as connection:
            row = connection.execute(query.where(engine_member.c.role == BACKEND.noun)).first()
        return Beat(row.boot_id, row.mono, row.at) if row else None

    def list(self) -> tuple[Member, ...]:
        """Return every process that is known, backends first.

        Raises:
            Unavailable: the database cannot be read.
        """
        with self._database.read() as connection:
            rows = connection.execute(select(engine_member).order_by(engine_member.c.role, engine_member.c.name)).all()
            names = held(connection)
        return tuple(
            Member(
                name=row.name,
                role=row.role,
                host=row.host,
                pid=row.pid,
                kinds=tuple(row.kinds.split()),
                contract=row.contract,
                at=row.at,
                alive=key(row.name) in names,
            )
            for row in rows
        )

    def forget(self) -> None:
        """Forget members that are dead for long.

        Raises:
            Unavailable: the database cannot be written.
        """
        gone = [one.name for one in self.list() if not one.alive and one.at < self._clock.now() - FORGOTTEN]
        if gone:
            with self._database.tx() as connection:
                connection.execute(delete(engine_member).where(engine_member.c.name.in_(gone)))
