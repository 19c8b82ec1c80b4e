"""The checklist as rows by phase: what passes, what fails, what is not built yet."""

from __future__ import annotations

from aistack_backend.wire.checklist import Checklist, Tick, TickState
from aistack_console.present.para import Para, fact, para, text_lines
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import day_clock, span

COLUMNS = (
    Column("STATE", 8),
    Column("CRITERION", 0),
    Column("AGO", 6, "right"),
    Column("FOUND", 0, min_screen_width=100),
)
TONES: dict[TickState, Tone] = {
    TickState.PASS: "ok",
    TickState.FAIL: "bad",
    TickState.RUNNING: "accent",
    TickState.NOT_RUN: "dim",
    TickState.LATER: "dim",
    TickState.UNKNOWN: "warn",
}
GROUP = "phase:"


def rows(found: Checklist, now: float) -> tuple[Row, ...]:
    """Return a line for each phase with how many pass, and its ticks below."""
    phases: dict[str, list[Tick]] = {}
    for one in found.ticks:
        phases.setdefault(one.phase, []).append(one)
    out: list[Row] = []
    for phase, ticks in phases.items():
        passed = sum(one.state is TickState.PASS for one in ticks)
        out.append(Row(f"{GROUP}{phase}", (phase, f"{passed}/{len(ticks)}"), group=True))
        out += [_row(one, now) for one in ticks]
    return tuple(out)


def _row(one: Tick, now: float) -> Row:
    age = "-" if one.at is None else span(now - one.at)
    return Row(one.id, ((one.state.value.upper(), TONES[one.state]), one.text, (age, "dim"), (one.detail, "dim")))


def head(found: Checklist | None, now: float) -> tuple[Cell, ...]:
    """Return the line above: how many pass, fail, and were not looked at."""
    if found is None:
        return (("CHECKLIST  ", "accent"), ("not read yet", "dim"))
    cells: list[Cell] = [("CHECKLIST  ", "accent"), f"{len(found.ticks)}  "]
    for state in (TickState.PASS, TickState.FAIL, TickState.RUNNING, TickState.NOT_RUN, TickState.LATER):
        number = sum(one.state is state for one in found.ticks)
        if number:
            cells += [(state.value.upper(), TONES[state]), f" {number}  "]
    cells.append((f"last run {span(now - found.at)} ago" if found.at is not None else "never run", "dim"))
    return tuple(cells)


def detail(one: Tick, now: float) -> tuple[Para, ...]:
    """Return one tick in full."""
    when = "never" if one.at is None else f"{day_clock(one.at, now)}, {span(now - one.at)} ago"
    found = text_lines(one.detail, "") if one.detail else (para(("Nothing was said about it.", "dim")),)
    return (
        para((f"{one.state.value.upper()} ", TONES[one.state]), one.text),
        fact("phase", one.phase),
        fact("last run", when),
        *found,
    )
