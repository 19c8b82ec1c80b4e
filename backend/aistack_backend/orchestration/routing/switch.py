"""The local-only lock: while it is closed, nobody elsewhere is asked anything."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, Conflict
from aistack_backend.store.database import Database
from aistack_backend.store.routing_tables import routing_switch
from aistack_backend.wire.routing import Lock

NAME = "local_only"
FIXED = "local_only_fixed"
"""The row by which other processes on the same store see what the backend's configuration says."""


class Switch:
    """The configuration's word, else the operator's, which is kept in the store. Belongs to any thread."""

    def __init__(self, database: Database, clock: Clock, *, fixed: bool) -> None:
        """``fixed``: the configuration closes it."""
        self._database, self._clock, self._fixed = database, clock, fixed
        self.on_close: list[Callable[[], None]] = []
        """Called when it was closed, in the thread that did it."""

    def lock(self) -> Lock:
        """Return how it stands. A store that cannot be read means closed."""
        if self._fixed:
            return Lock(locked=True, why="The configuration says so (routing.local_only).", fixed=True)
        try:
            with self._database.read() as connection:
                return _read(connection)
        except BackendError as error:
            return Lock(locked=True, why=f"The switch cannot be read, so it counts as closed: {error.detail}")

    def turn(self, *, closed: bool, by: str) -> Lock:
        """Close or open it; it stays so over restarts.

        Raises:
            Conflict: the configuration closes it. Unavailable: the store cannot be written.
        """
        if self._fixed and not closed:
            raise Conflict("The configuration keeps it closed (routing.local_only).", "Change it there and restart.")
        with self._database.tx() as connection:
            connection.execute(delete(routing_switch).where(routing_switch.c.name == NAME))
            values = {"name": NAME, "value": str(int(closed)), "by": by, "at": self._clock.now()}
            connection.execute(insert(routing_switch).values(values))
        if closed:
            for call in tuple(self.on_close):
                call()
        return self.lock()

    def declare(self) -> None:
        """Write down what the configuration says, for workers on the same store.

        Raises:
            Unavailable: the store cannot be written.
        """
        with self._database.tx() as connection:
            connection.execute(delete(routing_switch).where(routing_switch.c.name == FIXED))
            if self._fixed:
                values = {"name": FIXED, "value": "1", "by": "configuration", "at": self._clock.now()}
                connection.execute(insert(routing_switch).values(values))


def _read(connection: Connection) -> Lock:
    rows = {row.name: row for row in connection.execute(select(routing_switch))}
    if FIXED in rows:
        return Lock(locked=True, why="The backend's configuration says so (routing.local_only).", fixed=True)
    if (row := rows.get(NAME)) is None:
        return Lock(locked=False, why="Nobody closed it.")
    closed = row.value != "0"
    return Lock(locked=closed, why=f"{row.by} {'closed' if closed else 'opened'} it.", by=row.by, at=row.at)
