"""The endpoints of the configuration: asked by name, and how each does. Which one is asked is for others to choose."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from aistack_backend.clock import Clock
from aistack_backend.errors import NotFound
from aistack_backend.inference.download import resolve
from aistack_backend.inference.providers import price
from aistack_backend.inference.providers.check import checked
from aistack_backend.inference.providers.ledger import Ledger
from aistack_backend.inference.providers.line import Line
from aistack_backend.inference.providers.models import Ask, Part, Vectors
from aistack_backend.inference.providers.reach import Resolve
from aistack_backend.store.database import Database
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.providers import Provider, ProviderCheck, ProviderList


class Providers:
    """Belongs to one event loop. What asks an endpoint raises as ``Line`` does, and NotFound for no such name."""

    def __init__(
        self, configured: Sequence[ProviderConfig], database: Database, clock: Clock, resolver: Resolve = resolve
    ) -> None:
        self._clock = clock
        self._started_at = clock.now()
        self._ledger = Ledger(database, clock)
        self._lines = {one.name: Line(one, clock, partial(self._ledger.add, one.name), resolver) for one in configured}

    async def start(self) -> None:
        """Read what was used of them this day."""
        await self._ledger.start({name: line.provider.currency for name, line in self._lines.items()})

    async def stop(self) -> None:
        """Write down what was used."""
        await self._ledger.stop()

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the configuration."""
        return tuple(self._lines)

    def list(self) -> ProviderList:
        """Return how each does, as far as it is known: nothing is sent for it."""
        return ProviderList(started_at=self._started_at, providers=tuple(self.status(name) for name in self._lines))

    def status(self, name: str) -> Provider:
        """Return how one does, as far as it is known.

        Raises:
            NotFound: there is none of that name.
        """
        line, one = self._line(name), self._line(name).provider
        return Provider(
            name=name,
            url=one.url,
            host=one.host,
            model=one.model,
            local=one.local,
            keyed=bool(one.key_file),
            breaker=line.breaker.shown(),
            latency=line.latency,
            since_start=self._ledger.since_start(name),
            today=self._ledger.today(name),
            price_in=price.shown(one.price_in),
            price_out=price.shown(one.price_out),
            currency=one.currency,
        )

    async def stream(self, name: str, ask: Ask) -> AsyncGenerator[Part, None]:
        """Yield an answer as it comes; the last part has ``finish``. Closing the iterator cancels."""
        async with aclosing(self._line(name).stream(ask)) as parts:
            async for part in parts:
                yield part

    async def whole(self, name: str, ask: Ask) -> Part:
        """Return an answer in one part."""
        return await self._line(name).whole(ask)

    async def embed(self, name: str, texts: Sequence[str]) -> Vectors:
        """Return one vector a text."""
        return await self._line(name).embed(texts)

    async def check(self, name: str, *, ask: bool = False) -> ProviderCheck:
        """Ask one for its list of models, and with ``ask`` for a few tokens, though its breaker be open; what fails is
        told in what comes back.

        Raises:
            NotFound: there is none of that name.
        """
        steps = await checked(self._line(name), ask=ask)
        ok = all(one.ok for one in steps)
        return ProviderCheck(name=name, at=self._clock.now(), ok=ok, steps=steps, provider=self.status(name))

    def _line(self, name: str) -> Line:
        if (found := self._lines.get(name)) is None:
            known = ", ".join(self._lines) or "none: write [providers.NAME] into the configuration"
            raise NotFound(f"There is no provider {name!r}.", f"There is {known}.")
        return found
