"""How learning stands, from what telemetry holds: shares, judgements and seconds, and nothing that was not measured."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from aistack_backend.learning import rows
from aistack_backend.learning.models import Verdict
from aistack_backend.store.database import Database
from aistack_backend.store.telemetry_tables import telemetry
from aistack_backend.wire.learning import LearningStatus, Pattern, Trend

DAY = 86_400.0
BACK = 60
"""Days that are read."""
MOST = 100_000
"""Newest interactions that trends are made of."""
SHOWN = 200
LONGEST = 400
"""Characters of a text in it."""
ANSWERED = ("cache", "local", "remote")


def status(database: Database, now: float, **known: Any) -> LearningStatus:
    """Return how learning stands; ``known`` is what the service knows by itself."""
    wanted = select(
        telemetry.c.timestamp, telemetry.c.ok, telemetry.c.route, telemetry.c.verdict, telemetry.c.latency
    ).where(telemetry.c.timestamp > now - BACK * DAY)
    with database.read() as connection:
        found = connection.execute(wanted.order_by(telemetry.c.id.desc()).limit(MOST)).all()
        counts = connection.execute(select(func.count(), func.count(telemetry.c.verdict)).select_from(telemetry)).one()
        patterns = tuple(map(_cut, rows.patterns(connection, most=SHOWN)))
    found = sorted(found, key=lambda row: float(row.timestamp))
    days = tuple(trend(found, now - (at + 1) * DAY, now - at * DAY) for at in reversed(range(30)))
    return LearningStatus(
        interactions=int(counts[0]),
        judged=int(counts[1]),
        weeks=(trend(found, now - 7 * DAY, now), trend(found, now - 14 * DAY, now - 7 * DAY)),
        months=(trend(found, now - 30 * DAY, now), trend(found, now - 60 * DAY, now - 30 * DAY)),
        days=days,
        patterns=patterns,
        **known,
    )


def trend(found: Sequence[Any], since: float, until: float) -> Trend:
    """Return what these rows of telemetry, the oldest first, say of a stretch of time."""
    begin, end = (bisect_right(found, moment, key=lambda row: float(row.timestamp)) for moment in (since, until))
    mine = found[begin:end]
    ended = [row for row in mine if row.ok is not None]
    answered = [row for row in ended if row.ok and row.route in ANSWERED]
    seconds = sorted(row.latency for row in answered if row.latency is not None)
    return Trend(
        since=since,
        until=until,
        interactions=len(mine),
        success=_share(sum(row.ok for row in ended), len(ended)),
        local=_share(sum(row.route != "remote" for row in answered), len(answered)),
        cache=_share(sum(row.route == "cache" for row in answered), len(answered)),
        good=sum(row.verdict == Verdict.GOOD.value for row in mine),
        bad=sum(row.verdict in (Verdict.BAD.value, Verdict.CORRECTED.value) for row in mine),
        p95=seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))] if seconds else None,
    )


def _cut(one: Pattern) -> Pattern:
    """Return a pattern with its texts as long as a list needs them."""
    return replace(one, question=one.question[:LONGEST], says=one.says[:LONGEST])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
