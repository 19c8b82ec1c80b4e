"""What endpoints may cost a day and a month: told at 80 %, ended at 100 %, and never passed by what is on its way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import select

from aistack_backend.clock import Clock
from aistack_backend.errors import BackendError, BadInput, Unavailable
from aistack_backend.inference.providers.models import Tokens
from aistack_backend.inference.providers.price import cost, shown
from aistack_backend.inference.providers.service import Providers
from aistack_backend.store.database import Database
from aistack_backend.store.provider_tables import provider_day
from aistack_backend.wire.config import RoutingConfig
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.routing import Budget, BudgetState

WARN = Decimal("0.8")
_ONE = re.compile(r"([A-Z]{3})=(\d{1,9}(?:\.\d{1,6})?)")
Spent = Mapping[tuple[str, str], Decimal]
"""By period and currency."""


class OverBudget(Unavailable):
    """What it may cost is more than is left."""

    type, title = "over-budget", "The budget is used up"


def amounts(text: str, key: str) -> dict[str, Decimal]:
    """Return ``USD=1.50,EUR=1`` as amounts by currency.

    Raises:
        BadInput: it is not of that form; names the key.
    """
    found: dict[str, Decimal] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        held = _ONE.fullmatch(part)
        if held is None or held[1] in found:
            raise BadInput(f"{key} = {text!r} is no list of amounts.", "Write each currency once, e.g. USD=1.50,EUR=1.")
        found[held[1]] = Decimal(held[2])
    return found


class Budgets:
    """Belongs to one event loop, but for ``standing``."""

    def __init__(
        self, providers: Providers, configured: Sequence[ProviderConfig], database: Database, clock: Clock,
        config: RoutingConfig,
    ) -> None:  # fmt: skip
        """Raises BadInput when the configuration's amounts cannot be read."""
        self._providers, self._database, self._clock = providers, database, clock
        self._configured = {one.name: one for one in configured}
        self._limits = {
            "day": amounts(config.budget_day, "routing.budget_day"),
            "month": amounts(config.budget_month, "routing.budget_month"),
        }
        self._refuse = config.unpriced == "refuse"
        free = config.unpriced in ("refuse", "free")
        self._unpriced = {} if free else amounts(config.unpriced, "routing.unpriced")
        self._running: dict[object, tuple[str, Decimal]] = {}

    def standing(self) -> tuple[Budget, ...]:
        """Return every budget and how far it is used."""
        if not any(self._limits.values()):
            return ()
        spent, known = self._spent()
        return tuple(
            _budget(currency, period, limit, spent.get((period, currency), Decimal(0)) if known else None)
            for period, limits in self._limits.items()
            for currency, limit in limits.items()
        )

    @contextmanager
    def held(self, provider: ProviderConfig, size: int, max_tokens: int, standing: Sequence[Budget]) -> Iterator[None]:
        """Keep the most that a request may cost aside while it runs; ``standing`` was read just before.

        Raises:
            OverBudget: it does not fit into what is left, or its cost cannot be told.
        """
        most = self._most(provider, size, max_tokens) if standing else Decimal(0)
        mine = [one for one in standing if one.currency == provider.currency]
        if standing and not mine and provider.currency:
            raise OverBudget(f"There is no budget in {provider.currency}, in which {provider.name} is paid.")
        for one in mine:
            self._fits(one, provider, most)
        key = object()
        self._running[key] = (provider.currency, most)
        try:
            yield
        finally:
            del self._running[key]

    def _fits(self, one: Budget, provider: ProviderConfig, most: Decimal) -> None:
        if one.spent is None:
            raise OverBudget(f"What was spent this {one.period} cannot be told, so {provider.name} is not asked.")
        left = Decimal(one.limit) - Decimal(one.spent)
        if left <= 0 or most > left:
            raise OverBudget(
                f"The budget of the {one.period} is {one.limit} {one.currency}, {one.spent} are used, "
                f"and this may cost {shown(most)} more."
            )

    def _most(self, provider: ProviderConfig, size: int, max_tokens: int) -> Decimal:
        # a token is a byte at least, so there are no more of them than bytes
        most = cost(provider, Tokens(size, min(max_tokens, provider.max_tokens)))
        if most is not None:
            return most
        if self._refuse:
            raise OverBudget(f"{provider.name} has no price, and there is a budget.", "See routing.unpriced.")
        return self._unpriced.get(provider.currency, max(self._unpriced.values(), default=Decimal(0)))

    def _spent(self) -> tuple[Spent, bool]:
        """Return what was spent, requests on their way included, and whether it is all known."""
        day = datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()
        total: dict[tuple[str, str], Decimal] = {}
        known = True
        live = {name: self._providers.status(name).today for name in self._configured}
        try:
            rows = self._rows(day[:7])
        except BackendError:
            return total, False
        for name, when, currency, counted in rows:
            mine = self._configured.get(name)
            if when == day and mine is not None and currency in ("", mine.currency):
                continue  # the sums in memory are newer
            self._add(total, "month", currency, counted)
            if when == day:
                self._add(total, "day", currency, counted)
        for name, use in live.items():
            if use is None:
                known = False
                continue
            for period in ("day", "month"):
                counted = (use.cost, use.answers - use.priced)
                self._add(total, period, self._configured[name].currency, counted)
        for currency, most in tuple(self._running.values()):
            for period in ("day", "month"):
                total[period, currency] = total.get((period, currency), Decimal(0)) + most
        return total, known

    def _rows(self, month: str) -> list[tuple[str, str, str, tuple[str | None, int]]]:
        table = provider_day.c
        with self._database.read() as connection:
            found = connection.execute(select(provider_day).where(table.day.like(f"{month}-%")))
            return [(row.provider, row.day, row.currency, (row.cost, row.answers - row.priced)) for row in found]

    def _add(
        self, total: dict[tuple[str, str], Decimal], period: str, currency: str, counted: tuple[str | None, int]
    ) -> None:
        amount, unpriced = counted
        if amount is not None:
            total[period, currency] = total.get((period, currency), Decimal(0)) + Decimal(amount)
        for other, each in self._unpriced.items():
            if currency in ("", other):
                total[period, other] = total.get((period, other), Decimal(0)) + each * unpriced


def _budget(currency: str, period: str, limit: Decimal, spent: Decimal | None) -> Budget:
    share = None if spent is None or not limit else spent / limit
    if spent is None:
        state = BudgetState.UNKNOWN
    elif spent >= limit:
        state = BudgetState.USED_UP
    else:
        state = BudgetState.WARNED if spent >= WARN * limit else BudgetState.OK
    return Budget(
        currency=currency,
        period=period,
        limit=shown(limit) or "0",
        spent=shown(spent),
        state=state,
        share=None if share is None else float(share),
    )
