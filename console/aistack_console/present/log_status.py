"""The lines around the log view: sources, what is wanted, what was lost, and the fields of one line."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aistack_backend.wire.containers import Fleet
from aistack_console.present.log_fields import Level, fields_of
from aistack_console.present.logs import Entry, LogRing
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.units import many
from aistack_console.present.words import fleet_word

SOURCE_COLUMNS = (Column("CONTAINER", 0), Column("STATE", 8), Column("ERR", 4, "right"))
LEVELS = (Level.UNKNOWN, Level.INFO, Level.WARN, Level.ERROR)
"""What ``L`` goes through; UNKNOWN shows every line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How the operator looks at the logs now."""

    names: tuple[str, ...]
    """Chosen containers."""
    known: int | None
    """How many containers there are; None = not measured."""
    follow: bool
    highlight: str = ""
    """What is searched without hiding the other lines."""
    faults: tuple[str, ...] = ()
    """Why lines of a source do not come now."""


def source_rows(
    fleet: Fleet | None, ring: LogRing, chosen: Collection[str], down: float | None, now: float
) -> tuple[Row, ...]:
    """Return every container, by name, with the errors seen in the lines that came."""
    if fleet is None:
        return ()
    rows = []
    for one in sorted(fleet.containers, key=lambda one: one.full_name):
        errors = ring.errors.get(ring.source(one.ref), 0) if one.ref in chosen else None
        cell: Cell = "-" if errors is None else (str(errors), "bad" if errors else "dim")
        rows.append(Row(one.ref, (one.full_name, fleet_word(one, fleet, down, now).cell, cell)))
    return tuple(rows)


def status_cells(ring: LogRing, seen: Seen) -> tuple[Cell, ...]:
    """Return the line above the log: whose lines, which of them, whether it follows, and every loss."""
    want = ring.wanted
    total = "?" if seen.known is None else str(seen.known)
    cells: list[Cell] = [
        (f"{', '.join(seen.names[:3]) or 'none chosen'}{'…' if len(seen.names) > 3 else ''}", "accent"),
        (f" ({len(seen.names)} of {total})  ", "dim"),
        ("FOLLOW  ", "ok") if seen.follow else ("HELD (f follows)  ", "warn"),
        (f"{len(ring.view):,} of {many(len(ring), 'line')}" if not want.open else many(len(ring), "line"), "dim"),
    ]
    if want.level:
        cells.append((f"  level>={want.level.name}", "accent"))
    if want.text:
        cells.append((f"  /{want.text}", "accent"))
    if seen.highlight:
        cells.append((f"  find {seen.highlight}", "accent"))
    if want.note:
        cells.append((f"  {want.note}", "warn"))
    if ring.dropped:
        cells.append((f"  {ring.dropped:,} older dropped", "warn"))
    if ring.lost:
        cells.append((f"  {ring.lost:,} LOST before they came", "bad"))
    cells += [(f"  {fault}", "bad") for fault in seen.faults]
    return tuple(cells)


def empty_text(seen: Seen, fleet_fault: str) -> str:
    """Return one sentence for an empty log view: what is missing and which key mends it."""
    if fleet_fault:
        return fleet_fault
    if not seen.names:
        return "No container is chosen: press space here, then space on each container whose lines you want."
    if seen.faults:
        return seen.faults[0]
    return "No line yet."


def entry_paras(entry: Entry | None, names: Mapping[int, str]) -> tuple[Para, ...]:
    """Return one line in full: source, exact stamp, fields, text."""
    if entry is None:
        return (para(("No line is current.", "dim")),)
    stamp = "none" if entry.at is None else _exact(entry.at)
    paras = [
        fact("source", names.get(entry.source, "?")),
        fact("time", stamp),
        fact("stream", entry.stream.value),
        fact("level", entry.level.name),
    ]
    if fields := fields_of(entry.text):
        width = min(20, max(len(key) for key, _ in fields))
        paras += [title("fields"), *(fact(key, value, width=width) for key, value in fields)]
    return (*paras, title("text"), *text_lines(entry.text))


def _exact(at: float) -> str:
    moment = datetime.datetime.fromtimestamp(at, tz=datetime.UTC).astimezone()
    return moment.isoformat(timespec="seconds" if at == int(at) else "milliseconds")


def saved_line(entry: Entry, names: Mapping[int, str]) -> str:
    """Return an entry as one line of a saved file."""
    stamp = "-" if entry.at is None else _exact(entry.at)
    return f"{stamp} {names.get(entry.source, '?')} {entry.text}".replace("\n", "␊")
