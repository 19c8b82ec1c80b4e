"""How the coordinator stands: the lock, the budgets, and who would be asked, in order."""

from __future__ import annotations

import asyncio

from aistack_backend.errors import BackendError
from aistack_backend.orchestration.routing.coordinator import Rooms
from aistack_backend.orchestration.routing.local import Loaded
from aistack_backend.wire.routing import BudgetState, Lock, Route, Routing, Step


async def standing(rooms: Rooms) -> Routing:
    """Return it as it is now; nothing is sent for it."""
    lock = await asyncio.to_thread(rooms.switch.lock)
    budgets = await asyncio.to_thread(rooms.budgets.standing)
    config = rooms.ways.config
    learned = Step(
        route=Route.CACHE, name="learned", ready=True, detail="Looked at first, for questions that stand by themselves."
    )
    return Routing(
        lock=lock,
        budgets=budgets,
        chain=(learned, *_near(rooms), *_far(rooms, lock, [one.state for one in budgets])),
        measure=config.measure,
        min_confidence=config.min_confidence,
    )


def _near(rooms: Rooms) -> list[Step]:
    found = []
    for model in rooms.ways.models:
        ready, detail = True, "It is asked."
        if isinstance(model, Loaded):
            try:
                model.ready()
            except BackendError as error:
                ready, detail = False, error.detail
        found.append(Step(route=Route.LOCAL, name=model.name, ready=ready, detail=detail))
    return found


def _far(rooms: Rooms, lock: Lock, budgets: list[BudgetState]) -> list[Step]:
    far = rooms.ways.far
    if far is None:
        return []
    spent = any(one in (BudgetState.USED_UP, BudgetState.UNKNOWN) for one in budgets)
    shut = lock.why if lock.locked else "A budget is used up, or what was spent is not known." if spent else ""
    found = []
    for name in far.names:
        why = shut or far.breaker(name)
        found.append(
            Step(route=Route.REMOTE, name=name, ready=not why, detail=why or "It is asked after the model here.")
        )
    return found
