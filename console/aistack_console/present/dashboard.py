"""The dashboard's four sections as rows: each number with its window and age; ``-`` never without a reason."""

from __future__ import annotations

from collections.abc import Callable

from aistack_backend.wire.dashboard import Dashboard, Figure, Unit
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.units import UNMEASURED, percent, size, span, stamp

COLUMNS = (
    Column("POINT", 19),
    Column("WHICH", 0),
    Column("NOW", 8, "right"),
    Column("24 H", 7, "right"),
    Column("7 DAYS", 7, "right"),
    Column("AGE", 5, "right"),
    Column("FROM", 10, min_screen_width=100),
    Column("SAYS", 0, min_screen_width=120),
)
TITLES = ("POINT", "WHICH", "NOW", "24 H", "7 DAYS", "AGE", "FROM", "WHY NOT")
WHOLE = {"ralph": "tasks", "orchestration": "routes", "learning": "learning", "map": "map"}
"""The screen that has a section whole."""
NEARER = {
    "Approval queue": "approvals",
    "Audit log": "audit",
    "Resource usage": "resources",
    "Health status": "services",
    "Agent utilisation": "tasks",
}
"""The screen that has a point, where it is not its section's."""


def head(found: Dashboard | None, now: float) -> tuple[Cell, ...]:
    """Return the line above the list: how old it is, and how many points have no number."""
    if found is None:
        return (("DASHBOARD", "accent"), "  ", ("not read yet", "dim"))
    points = {one.point for part in found.sections for one in part.figures}
    known = {one.point for part in found.sections for one in part.figures if one.at is not None}
    said = f"  {len(known)} of {len(points)} points measured"
    return (("DASHBOARD", "accent"), said, (f"  read {span(max(0.0, now - found.at))} ago", "dim"))


def rows(found: Dashboard | None, now: float) -> tuple[Row, ...]:
    """Return every figure below the heading of its section; a point's name stands at its first one."""
    made: list[Row] = []
    for part in found.sections if found else ():
        made.append(Row(f"section:{part.key}", ((f"{part.title}", "accent"),), group=True))
        last = ""
        for number, one in enumerate(part.figures):
            made.append(Row(f"{part.key}:{number}", _cells(one, "" if one.point == last else one.point, now)))
            last = one.point
    return tuple(made)


def _cells(one: Figure, point: str, now: float) -> tuple[Cell, ...]:
    says: Cell = (one.why, "warn") if one.why else (one.about, "dim")
    values: tuple[Cell, ...] = tuple(_toned(text) for text in numbers(one))
    return (point, one.name, *values, (age(one, now), "dim"), (one.source, "dim"), says)


def _toned(text: str) -> Cell:
    return (text, "warn") if text == UNMEASURED else text


def numbers(one: Figure) -> tuple[str, str, str]:
    """Return the number now, over a day and over a week; ``-`` = not measured, empty = does not apply."""
    held = {"now": one.now, "24h": one.day, "7d": one.week}
    return tuple(value(held[window], one.unit) if window in one.windows else "" for window in held)  # type: ignore[return-value]


def value(number: float | None, unit: Unit) -> str:
    """Return a number as short words of its unit; None is ``-``."""
    if number is None:
        return UNMEASURED
    shown: dict[Unit, Callable[[], str]] = {
        Unit.COUNT: lambda: f"{number:,.0f}",
        Unit.SHARE: lambda: f"{percent(number * 100)}%",
        Unit.SECONDS: lambda: span(number) if number >= 60 else f"{number:.2f}s" if number < 1 else f"{number:.1f}s",
        Unit.BYTES: lambda: size(number),
        Unit.SPEED: lambda: f"{size(number)}/s",
        Unit.A_DAY: lambda: f"{number:,.1f}",
        Unit.LOSS: lambda: f"{number:.3f}",
        Unit.YES: lambda: "yes" if number else "no",
    }
    return shown[unit]() if unit in shown else f"{number:g}"


def age(one: Figure, now: float) -> str:
    """Return how old a figure is; ``-`` = nothing of it was measured."""
    return UNMEASURED if one.at is None else span(max(0.0, now - one.at))


def row(one: Figure, now: float) -> list[str]:
    """Return a figure as a row of ``TITLES``."""
    return [one.point, one.name, *numbers(one), age(one, now), one.source, one.why]


def chosen(found: Dashboard | None, key: str) -> Figure | None:
    """Return the figure of a row; None = a heading, or there is no such row."""
    section, _, number = key.partition(":")
    for part in found.sections if found else ():
        if part.key == section and number.isdecimal() and int(number) < len(part.figures):
            return part.figures[int(number)]
    return None


def place_of(found: Dashboard | None, key: str) -> str:
    """Return the screen that has a row whole; empty = there is none."""
    one = chosen(found, key)
    section, _, name = key.partition(":")
    if one is not None and one.point in NEARER:
        return NEARER[one.point]
    return WHOLE.get(name if section == "section" else section, "")


def detail(found: Dashboard, key: str, now: float) -> tuple[Para, ...]:
    """Return a figure in full, or what a section is."""
    one, place = chosen(found, key), place_of(found, key)
    goes = fact("enter", f"opens {place}" if place else "-", "dim")
    if one is None:
        return (para("A section of the owner's note: each of its points with what is measured of it."), goes)
    labels = {"now": "now", "24h": "24 hours", "7d": "7 days"}
    told = zip(labels, numbers(one), strict=True)
    since = f"{stamp(one.at)}, {age(one, now)} ago" if one.at is not None else "never"
    unit = f" ({one.unit.value})" if one.unit in (Unit.A_DAY, Unit.LOSS) else ""
    return (
        title(f"{one.point} {one.name}".rstrip() + unit),
        para(one.about),
        *(fact(labels[window], text) for window, text in told if window in one.windows),
        *((fact("why not", one.why, "warn"),) if one.why else ()),
        fact("measured", f"{since}, by {one.source}"),
        fact("metric", one.metric, "dim"),
        goes,
    )
