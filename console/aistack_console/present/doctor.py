"""What the doctor found, worst first, each with its fix."""

from __future__ import annotations

from aistack_backend.wire.status import DoctorReport, Finding
from aistack_console.present.para import Para, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import span

COLUMNS = (Column("STATE", 7), Column("CHECK", 20), Column("FOUND", 0), Column("FIX", 0, min_screen_width=120))
WORDS: dict[bool | None, tuple[str, Tone]] = {True: ("OK", "ok"), False: ("BAD", "bad"), None: ("UNKNOWN", "warn")}
WORST = (False, None, True)


def rows(report: DoctorReport) -> tuple[Row, ...]:
    """Return the findings, worst first, otherwise as they came."""
    found = sorted(enumerate(report.findings), key=lambda pair: (WORST.index(pair[1].ok), pair[0]))
    return tuple(Row(f"{number}", (WORDS[one.ok], one.name, one.detail, (one.fix, "dim"))) for number, one in found)


def head(report: DoctorReport | None, at: float | None, reading: bool, now: float) -> tuple[Cell, ...]:
    """Return the line above: how many of each, and how old it is."""
    cells: list[Cell] = [("DOCTOR  ", "accent")]
    if report is not None:
        for ok in WORST:
            number = sum(one.ok is ok for one in report.findings)
            cells += [WORDS[ok], f" {number}  "]
        cells.append((f"looked {span(now - at)} ago  " if at is not None else "", "dim"))
    cells.append(("looking ..." if reading else "" if report else "not looked yet", "dim"))
    return tuple(cells)


def detail(one: Finding) -> tuple[Para, ...]:
    """Return one finding in full, its fix apart so that it can be copied."""
    paras = [para(WORDS[one.ok], f"  {one.name}"), para(one.detail)]
    if one.fix:
        paras += [title("fix (y copies it)"), para((one.fix, "accent"))]
    elif one.ok is not True:
        paras.append(para(("No fix is known.", "dim")))
    return tuple(paras)
