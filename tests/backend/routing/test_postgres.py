"""The same ways on PostgreSQL: what left, the lock, the budgets and the figures, as on SQLite."""

from __future__ import annotations

from dataclasses import replace

from tests.bed.postgres import emptied

from aistack_backend.orchestration.routing.history import one, recent
from aistack_backend.orchestration.routing.stats import stats
from aistack_backend.store.database import Database
from aistack_backend.wire.routing import BudgetState, Route

from .ground import MANY, ask, elsewhere, here, priced, recording, saying, standing


async def test_what_left_the_lock_and_the_budgets(postgres: str) -> None:
    database = Database(emptied(postgres, "outbound", "routing_switch", "telemetry"))
    config = replace(MANY, budget_day="USD=1", budget_month="USD=2")
    async with recording(saying("near")) as near, recording(saying("far")) as far:
        there = priced(elsewhere(far))
        async with standing(database, (here(near), there), config) as held:
            said = await ask(held, "What is NixOS?", prefer="remote", session="a")
            again = await ask(held, "And flakes?", prefer="remote", session="a")
            assert (said.route, again.route) == (Route.REMOTE, Route.REMOTE)
            assert [sent.interaction for sent in held.rooms.log.find()] == [again.id, said.id]
            assert b"What is NixOS?" in far.bodies[1], "the conversation is told again"
            day, month = held.rooms.budgets.standing()
            assert (day.spent, month.spent, day.state) == ("0.000026", "0.000026", BudgetState.OK)
            assert held.rooms.switch.turn(closed=True, by="operator:me").locked
            assert (await ask(held, "What is NixOS?", prefer="remote")).route is Route.LOCAL
            assert one(held.rooms.telemetry, said.id).cost == "0.000013"
            assert len(recent(held.rooms.telemetry, 2).routes) == 2
    found = stats(database, 0.0)
    database.close()
    assert (found.by_route, [(cost.currency, cost.amount) for cost in found.costs]) == (
        {"local": 1, "remote": 2}, [("USD", "0.000026")],
    )  # fmt: skip
