"""What was had of each endpoint: sums in memory, and one row a day in the store, written behind."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection, delete, insert, select

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError
from aistack_backend.inference.providers import price
from aistack_backend.store.database import Database
from aistack_backend.store.provider_tables import provider_day
from aistack_backend.wire.providers import Use

log = logging.getLogger(__name__)
_FIELDS = tuple(one.name for one in fields(Use))
Key = tuple[str, str, str]
"""Provider, day and currency."""


def plus(one: Use, other: Use) -> Use:
    """Return the sum of two; a cost in another currency than the first's is left out."""
    same = not (one.currency and other.currency and one.currency != other.currency)
    costs = [Decimal(use.cost) for use in ((one, other) if same else (one,)) if use.cost is not None]
    return Use(
        answers=one.answers + other.answers,
        failures=one.failures + other.failures,
        counted=one.counted + other.counted,
        tokens_in=one.tokens_in + other.tokens_in,
        tokens_out=one.tokens_out + other.tokens_out,
        priced=one.priced + (other.priced if same else 0),
        cost=price.shown(sum(costs, Decimal(0))) if costs else None,
        currency=one.currency or other.currency,
    )


class Ledger:
    """Belongs to one event loop; the store is written in a thread, and a store that cannot be used loses no answer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._began: dict[str, Use] = {}
        self._days: dict[tuple[str, str], Use] = {}
        self._unwritten: dict[Key, Use] = {}
        self._known = False
        self._writing: asyncio.Task[None] | None = None

    async def start(self, currencies: dict[str, str]) -> None:
        """Read what this day has brought already; ``currencies``: each provider's, whose costs are summed."""
        day = self._day()
        try:
            found = await asyncio.to_thread(self._read, day)
        except BackendError as error:
            log.warning("What providers were used today cannot be read: %s", error.detail)
            return
        for (name, _, _), use in found.items():
            begin = Use(currency=currencies.get(name, ""))
            self._days[name, day] = plus(self._days.get((name, day), begin), use)
        self._known = True

    async def stop(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            await self._writing
        await self._write()

    def add(self, name: str, use: Use) -> None:
        """Count something in."""
        day = self._day()
        self._began[name] = plus(self._began.get(name, Use(currency=use.currency)), use)
        self._days = {key: kept for key, kept in self._days.items() if key[1] == day}
        self._days[name, day] = plus(self._days.get((name, day), Use(currency=use.currency)), use)
        key = (name, day, use.currency)
        self._unwritten[key] = plus(self._unwritten.get(key, Use()), use)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    def since_start(self, name: str) -> Use:
        """Return what was had since the backend began."""
        return self._began.get(name, Use())

    def today(self, name: str) -> Use | None:
        """Return what was had this day; None = what came before the start is not known."""
        return self._days.get((name, self._day()), Use()) if self._known else None

    def _day(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()

    async def _write(self) -> None:
        while self._unwritten:
            taken, self._unwritten = self._unwritten, {}
            try:
                await asyncio.to_thread(self._keep, taken)
            except BackendError as error:
                log.warning("What providers were used cannot be written yet: %s", error.detail)
                for key, use in taken.items():
                    self._unwritten[key] = plus(use, self._unwritten.get(key, Use()))
                return

    def _read(self, day: str) -> dict[Key, Use]:
        with self._database.read() as connection:
            rows = connection.execute(select(provider_day).where(provider_day.c.day == day))
            return {(row.provider, row.day, row.currency): _use(row) for row in rows}

    def _keep(self, taken: dict[Key, Use]) -> None:
        with self._database.tx() as connection:
            for key, use in taken.items():
                _put(connection, key, use)


def _use(row: object) -> Use:
    return Use(**{name: getattr(row, name) for name in _FIELDS})


def _put(connection: Connection, key: Key, use: Use) -> None:
    table = provider_day.c
    mine = (table.provider == key[0]) & (table.day == key[1]) & (table.currency == key[2])
    before = connection.execute(select(provider_day).where(mine)).one_or_none()
    total = plus(_use(before), use) if before is not None else use
    connection.execute(delete(provider_day).where(mine))
    values = {name: getattr(total, name) for name in _FIELDS} | {"currency": key[2]}
    connection.execute(insert(provider_day).values(provider=key[0], day=key[1], **values))
