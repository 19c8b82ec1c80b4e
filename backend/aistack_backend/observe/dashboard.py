"""The dashboard from the same readings as ``GET /metrics``: no number of its own, and a reason where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.bus import Bus
from aistack_backend.observe.metrics import Reading
from aistack_backend.observe.points import HOST, MODEL, SECTIONS, STACK, TABLES, USAGE, Line
from aistack_backend.wire.containers import UsageTable
from aistack_backend.wire.dashboard import Dashboard, Figure, Section
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.stack import Stack

READ = "aistack_approvals_waiting"
"""It is told whenever the tables could be read."""
SILENT = {
    TABLES: "The tables cannot be read now.",
    HOST: "The machine did not tell it.",
    STACK: "The stack was not checked yet.",
    MODEL: "The model did not tell it.",
    USAGE: "No container was measured yet.",
}
NARROWER = {"now": "now", "24h": "in 24 hours", "7d": "in 7 days"}


def dashboard(readings: Sequence[Reading], bus: Bus, now: float) -> Dashboard:
    """Return the four sections from what was read at ``now``; the bus says how old the snapshots are."""
    named: dict[str, list[Reading]] = {}
    for one in readings:
        named.setdefault(one.name, []).append(one)
    ages = _ages(named, bus, now)
    sections = tuple(
        Section(key=key, title=title, figures=tuple(one for line in lines for one in _figures(line, named, ages)))
        for key, title, lines in SECTIONS
    )
    return Dashboard(at=now, sections=sections)


def unmeasured(found: Dashboard) -> tuple[tuple[str, str], ...]:
    """Return each point of the note without any number, and why."""
    points: dict[str, list[Figure]] = {}
    for section in found.sections:
        for one in section.figures:
            points.setdefault(one.point, []).append(one)
    return tuple(
        (point, figures[0].why)
        for point, figures in points.items()
        if all(value is None for one in figures for value in (one.now, one.day, one.week))
    )


def _ages(named: dict[str, list[Reading]], bus: Bus, now: float) -> dict[str, float | None]:
    host: HostSample | None = bus.latest(Topic.HOST)
    stack: Stack | None = bus.latest(Topic.STACK)
    usage: UsageTable | None = bus.latest(Topic.USAGE)
    return {
        TABLES: now if READ in named else None,
        HOST: host.at if host else None,
        STACK: stack.at if stack else None,
        MODEL: now,
        USAGE: usage.at if usage else None,
    }


def _figures(line: Line, named: dict[str, list[Reading]], ages: dict[str, float | None]) -> list[Figure]:
    held = _fitting(named.get(line.metric, []), line)
    over = _fitting(named.get(line.over or line.metric, []), line) if line.windows != ("now",) else []
    if not line.by:
        return [_figure(line, line.name, held, over, named, ages)]
    values = dict.fromkeys(one.labels[line.by] for one in (*held, *over))
    if not values:
        return [_figure(line, line.name.replace("{}", "").rstrip(" ,"), (), (), named, ages)]
    return [
        _figure(
            line,
            line.name.replace("{}", value),
            [one for one in held if one.labels[line.by] == value],
            [one for one in over if one.labels[line.by] == value],
            named,
            ages,
        )
        for value in values
    ]


def _fitting(found: Sequence[Reading], line: Line) -> list[Reading]:
    """Return the readings whose labels the line allows; a label that a metric does not have is not asked for."""
    return [one for one in found if all(one.labels.get(key, wanted[0]) in wanted for key, wanted in line.where.items())]


def _figure(
    line: Line,
    name: str,
    held: Sequence[Reading],
    over: Sequence[Reading],
    named: dict[str, list[Reading]],
    ages: dict[str, float | None],
) -> Figure:
    useless = bool(line.needs) and not _sum(named.get(line.needs, []))
    values = {
        "now": None if useless or "now" not in line.windows else float(len(held)) if line.rows and held else _sum(held),
        "24h": _sum([one for one in over if one.labels.get("window") == "24h"]),
        "7d": _sum([one for one in over if one.labels.get("window") == "7d"]),
    }
    missing = [window for window in line.windows if values[window] is None]
    why = (line.why if ages[line.source] is not None and line.why else SILENT[line.source]) if missing else ""
    if missing and len(missing) < len(line.windows):
        why = f"{', '.join(NARROWER[one] for one in missing)}: {why}"
    measured = len(missing) < len(line.windows)
    return Figure(
        point=line.point,
        name=name,
        unit=line.unit,
        windows=line.windows,
        now=values["now"],
        day=values["24h"],
        week=values["7d"],
        at=ages[line.source] if measured else None,
        source=line.source,
        metric=line.metric if not line.over else f"{line.metric}, {line.over}",
        about=line.about,
        why=why,
    )


def _sum(found: Sequence[Reading]) -> float | None:
    return sum(one.value for one in found) if found else None
