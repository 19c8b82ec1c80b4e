"""The questions that went through the coordinator, as the telemetry keeps them."""

from __future__ import annotations

from aistack_backend.errors import NotFound
from aistack_backend.learning.models import Told
from aistack_backend.learning.telemetry import Telemetry
from aistack_backend.store.telemetry_tables import telemetry as table
from aistack_backend.wire.routing import Route, Routed, RouteList

SOURCE, ROUTED, REPLAYED, CONTEXT = "coordinator", "routed", "replayed", "context"
EVENTS = (ROUTED, REPLAYED)
MOST = 200
"""Questions of one list."""


def recent(telemetry: Telemetry, most: int = MOST) -> RouteList:
    """Return the newest questions."""
    where = (table.c.source == SOURCE, table.c.event.in_(EVENTS))
    return RouteList(routes=tuple(map(routed, telemetry.find(*where, most=most))))


def one(telemetry: Telemetry, number: int) -> Routed:
    """Return one question; NotFound when there is none of that number."""
    found = telemetry.get(number)
    if found.interaction.source != SOURCE:
        raise NotFound(f"Interaction {number} did not go through the coordinator.")
    return routed(found)


def routed(told: Told) -> Routed:
    """Return one interaction in the form of the wire."""
    one = told.interaction
    return Routed(
        id=told.id,
        at=told.at,
        query=one.query,
        answer=one.answer,
        route=Route(one.route),
        reason=one.reason,
        task_class=one.task_class,
        model=one.model,
        provider=one.provider,
        confidence=one.confidence,
        latency=one.latency,
        tokens_in=one.tokens_in,
        tokens_out=one.tokens_out,
        cost=one.cost,
        currency=one.currency,
        sources=one.sources,
        patterns=one.patterns,
        session=one.session,
        ok=one.ok,
        detail=one.detail,
        verdict=told.verdict.value if told.verdict else "",
        judged_by=told.judged_by,
        agreement=one.agreement,
        judgements=one.judgements,
    )
