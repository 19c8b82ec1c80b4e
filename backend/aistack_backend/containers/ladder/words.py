"""From rungs to the one word for a service, and why."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.containers.ladder.facts import Measured, holds
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.wire.stack import Rung, RungName, RungState, ServiceState

LEAST = 30.0
"""Seconds that a service may be STARTING at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The word for a service by itself, before its dependencies are looked at."""

    state: ServiceState
    why: str = ""


def said(
    service: ServiceDecl, measured: Measured | None, now: float, *, stopped: bool, age_limit: float, well: bool = False
) -> Said:
    """Return the word; ``stopped``: an operator stopped it; ``age_limit``: seconds after which a check is old;
    ``well``: in this run of its container it was well before, so that a rung that fails is no start any more."""
    if measured is None:
        return Said(state=ServiceState.UNKNOWN, why="It has not been measured yet.")
    if not measured.facts.known:
        return Said(state=ServiceState.UNKNOWN, why=measured.rungs[0].evidence)
    oldest = min((rung.at for rung in measured.rungs if rung.at is not None), default=now)
    if now - oldest > age_limit:
        return Said(state=ServiceState.UNKNOWN, why=f"Its last check is {now - oldest:.0f} s old.")
    low = lowest(measured.rungs)
    if low is None:
        return Said(state=ServiceState.OK)
    if low.name is RungName.PRESENT:
        return Said(state=ServiceState.STOPPED, why=low.evidence)
    if low.name is RungName.RUNNING:
        ending = measured.facts.ending
        asked = stopped or ending is None or ending.requested
        return Said(state=ServiceState.STOPPED if asked else ServiceState.BAD, why=low.evidence)
    if low.state is RungState.UNKNOWN:
        return Said(state=ServiceState.UNKNOWN, why=low.evidence)
    started = measured.facts.container.started_at if measured.facts.container else None
    if not well and started is not None and now - started < grace(service):
        return Said(state=ServiceState.STARTING, why=low.evidence)
    return Said(state=ServiceState.BAD, why=low.evidence)


def lowest(rungs: tuple[Rung, ...]) -> Rung | None:
    """Return the lowest rung that was checked and does not hold; None = none."""
    return next((rung for rung in rungs if rung.state is not RungState.WAIT and not holds(rung)), None)


def grace(service: ServiceDecl) -> float:
    """Return the seconds after its start in which a service may still be STARTING."""
    start = service.health.start_period if service.health else 0.0
    return max(LEAST, start, 3 * (service.extra.ready_seconds or 0.0))
