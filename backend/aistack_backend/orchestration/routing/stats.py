"""What the telemetry says of a stretch of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select

from aistack_backend.inference.providers.price import shown
from aistack_backend.orchestration.routing.history import ROUTED, SOURCE
from aistack_backend.store.database import Database
from aistack_backend.store.telemetry_tables import telemetry as table
from aistack_backend.wire.calibration import Calibration
from aistack_backend.wire.routing import Cost, Route, RouteStats

DAY = 86_400.0
HERE = (Route.CACHE.value, Route.LOCAL.value)
_READ = ("route", "task_class", "ok", "latency", "tokens_in", "tokens_out", "cost", "currency", "verdict")


def stats(database: Database, since: float, calibrations: Sequence[Calibration] = ()) -> RouteStats:
    """Return how questions went since then, and what agreement is worth."""
    c = table.c
    wanted = select(*(c[name] for name in _READ)).where(c.source == SOURCE, c.event == ROUTED, c.timestamp >= since)
    with database.read() as connection:
        rows = connection.execute(wanted).all()
    answered = [row for row in rows if row.ok]
    latencies = sorted(row.latency for row in answered if row.latency is not None)
    judged = [row.verdict for row in rows if row.verdict]
    return RouteStats(
        since=since,
        total=len(rows),
        by_route=_counted(rows, "route"),
        by_class=_counted(rows, "task_class"),
        answered=len(answered),
        local_share=sum(row.route in HERE for row in answered) / len(answered) if answered else None,
        latency_p50=quantile(latencies, 0.5),
        latency_p95=quantile(latencies, 0.95),
        tokens_in=sum(row.tokens_in or 0 for row in rows),
        tokens_out=sum(row.tokens_out or 0 for row in rows),
        costs=_costs(rows),
        good=judged.count("good"),
        bad=len(judged) - judged.count("good"),
        not_judged=len(rows) - len(judged),
        calibrations=tuple(calibrations),
    )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest of ordered values that is not below this share of them; None of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _counted(rows: Sequence[Row[Any]], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        key = row._mapping[name] or "-"
        found[key] = found.get(key, 0) + 1
    return dict(sorted(found.items()))


def _costs(rows: Sequence[Row[Any]]) -> tuple[Cost, ...]:
    total: dict[str, Decimal] = {}
    for row in rows:
        if row.cost is not None and row.currency:
            total[row.currency] = total.get(row.currency, Decimal(0)) + Decimal(row.cost)
    return tuple(Cost(currency=name, amount=shown(amount) or "0") for name, amount in sorted(total.items()))
