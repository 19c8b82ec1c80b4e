"""Budgets: told at 80 %, ended at 100 %, never passed, and nothing is asked where the cost cannot be told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert

from aistack_backend.clock import HandClock
from aistack_backend.errors import BadInput
from aistack_backend.orchestration.routing.budget import amounts
from aistack_backend.store.database import Database
from aistack_backend.store.provider_tables import provider_day
from aistack_backend.wire.config import RoutingConfig
from aistack_backend.wire.routing import BudgetState, Route

from .ground import MANY, ask, completion, elsewhere, here, priced, recording, saying, standing

TODAY, BEFORE = "2026-11-27", "2026-11-03"


def spent(database: Database, day: str, cost: str | None, provider: str = "far", **more: Any) -> None:
    row = {"answers": 1, "failures": 0, "counted": 1, "tokens_in": 1, "tokens_out": 1, "priced": int(cost is not None)}
    with database.tx() as connection:
        connection.execute(
            insert(provider_day).values(**row, provider=provider, day=day, cost=cost, **{"currency": "USD", **more})
        )


async def asked(database: Database, config: RoutingConfig, **prices: Any) -> tuple[Any, Any, int]:
    """Ask a question that would rather go elsewhere; return the answer, the budgets before, and what left."""
    async with recording(saying("near")) as near, recording(saying("far")) as far:
        there = elsewhere(far) if prices.get("price_in", "") is None else priced(elsewhere(far), **prices)
        clock = HandClock(wall=1_795_780_000.0)  # 2026-11-27
        async with standing(database, (here(near), there), config, clock=clock) as held:
            budgets = held.rooms.budgets.standing()
            said = await ask(held, "What is NixOS?", prefer="remote")
    return said, budgets, len(far.bodies)


def day(limit: str, **more: Any) -> RoutingConfig:
    return replace(MANY, budget_day=limit, **more)


async def test_below_80_percent_it_is_asked(database: Database) -> None:
    spent(database, TODAY, "0.79")
    said, (budget,), left = await asked(database, day("USD=1"))
    assert (said.route, left) == (Route.REMOTE, 1)
    assert (budget.currency, budget.period, budget.limit, budget.spent) == ("USD", "day", "1", "0.79")
    assert (budget.state, budget.share) == (BudgetState.OK, 0.79)


async def test_from_80_percent_on_this_machine_is_asked_first(database: Database) -> None:
    spent(database, TODAY, "0.8")
    said, (budget,), left = await asked(database, day("USD=1"))
    assert (said.route, left, budget.state) == (Route.LOCAL, 0, BudgetState.WARNED)
    assert "80% of the day's 1 USD are used, so this machine is asked first." in said.reason


async def test_at_100_percent_nobody_elsewhere_is_asked(database: Database) -> None:
    spent(database, TODAY, "1")
    said, (budget,), left = await asked(database, day("USD=1"))
    assert (said.route, left, budget.state) == (Route.LOCAL, 0, BudgetState.USED_UP)
    assert "The budget of the day is 1 USD, 1 are used" in said.tried[0].detail


async def test_the_month_counts_what_the_day_does_not(database: Database) -> None:
    spent(database, BEFORE, "9.5", provider="gone")
    said, budgets, left = await asked(database, replace(MANY, budget_day="USD=1", budget_month="USD=9"))
    assert (said.route, left) == (Route.LOCAL, 0)
    assert [(one.period, one.spent) for one in budgets] == [("day", "0"), ("month", "9.5")]
    assert "The budget of the month is 9 USD" in said.tried[0].detail


async def test_what_it_may_cost_at_most_must_fit(database: Database) -> None:
    said, _, left = await asked(database, day("USD=0.5"), price_in="1", price_out="1000")
    assert (said.route, left) == (Route.LOCAL, 0), "512 tokens may cost 0.512"
    assert "and this may cost" in said.tried[0].detail


@pytest.mark.parametrize(
    ("config", "prices", "why"),
    [
        (day("USD=1"), {"price_in": None}, "far has no price, and there is a budget."),
        (day("EUR=1"), {}, "There is no budget in USD, in which far is paid."),
        (day("USD=1", unpriced="USD=2"), {"price_in": None}, None),
    ],
)
async def test_where_the_cost_cannot_be_told(
    database: Database, config: RoutingConfig, prices: dict[str, Any], why: str | None
) -> None:
    said, _, left = await asked(database, config, **prices)
    if why is None:
        assert (said.route, left) == (Route.REMOTE, 1), "it has no currency of its own to be refused in"
        return
    assert (said.route, left) == (Route.LOCAL, 0)
    assert why in said.tried[0].detail


async def test_answers_of_unknown_cost_count_as_the_configuration_says(database: Database) -> None:
    spent(database, TODAY, None, currency="")
    _, (budget,), _ = await asked(database, day("USD=1", unpriced="USD=0.25"))
    assert budget.spent == "0.25"
    _, (budget,), _ = await asked(database, day("USD=1", unpriced="free"))
    assert budget.spent is not None
    assert Decimal(budget.spent) < Decimal("0.25")


async def test_many_at_once_never_pass_it(database: Database) -> None:
    """Each may cost 0.3 of 1 at most, so three run at once and no more, however many ask."""
    async with recording(lambda _: (200, completion("far", 0, 300))) as far:
        far.hold = asyncio.Event()
        there = replace(priced(elsewhere(far), "0.000001", "1000"), max_tokens=300)
        async with standing(database, (there,), day("USD=1")) as held:
            asking = [asyncio.create_task(ask(held, f"What is {one}?", max_tokens=300)) for one in range(8)]
            async with asyncio.timeout(60):
                refused, waiting = [], set(asking)
                while len(refused) < 5:
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    refused += [one.result() for one in done]
                far.hold.set()
                answered = [await one for one in waiting]
            spent_now = held.rooms.budgets.standing()[0].spent
    assert [one.route for one in refused] == [Route.NONE] * 5
    assert [one.route for one in answered] == [Route.REMOTE] * 3
    assert spent_now == "0.9"


@pytest.mark.parametrize("text", ["1", "USD", "USD=x", "usd=1", "USD=1,USD=2", "USD=-1", "USD=1;EUR=2"])
def test_what_is_no_list_of_amounts_is_told_with_its_key(text: str) -> None:
    with pytest.raises(BadInput, match=r"routing\.budget_day"):
        amounts(text, "routing.budget_day")


def test_amounts_are_exact() -> None:
    assert amounts("USD=1.50, EUR=0.1", "k") == {"USD": Decimal("1.50"), "EUR": Decimal("0.1")}
    assert amounts("", "k") == {}
