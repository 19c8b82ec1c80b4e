"""The Traces screen: the list, and the chosen trace as a waterfall whose bars take the room there is."""

from __future__ import annotations

from aistack_backend.wire.traces import Trace, TraceList
from aistack_console.present import traces as words
from aistack_console.present.para import Para, fact, para
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import UNMEASURED, day_clock

COLUMNS = (
    Column("TASK", 6, "right"),
    Column("WHEN", 11),
    Column("TOOK", 8, "right"),
    Column("SPANS", 5, "right"),
    Column("FAILED", 6, "right"),
    Column("WHAT", 0),
)
TIMES = 18
"""Cells of the two times before a bar."""


def head(found: TraceList | None, now: float) -> tuple[Cell, ...]:
    """Return the line above the list."""
    if found is None:
        return (("TRACES  ", "accent"), ("not read yet", "dim"))
    told = found.sending
    said = "" if told is None else f"not sent: {told.fault}" if told.fault else words.sending(found, now)
    count = f"{len(found.traces)} kept" if found.kept else "not kept (traces.keep = false)"
    return (("TRACES  ", "accent"), count, *(((f"  {said}", _tone(found)),) if said else ()))


def _tone(found: TraceList) -> Tone:
    return "bad" if found.sending and found.sending.fault else "dim"


def rows(found: TraceList | None, now: float) -> tuple[Row, ...]:
    """Return the traces, newest first."""
    return tuple(
        Row(
            one.id,
            (
                UNMEASURED if one.task_id is None else str(one.task_id),
                day_clock(one.start, now),
                words.took(one.seconds),
                str(one.spans),
                (str(one.failed), "bad") if one.failed else "",
                one.name,
            ),
        )
        for one in (found.traces if found else ())
    )


def width(columns: int) -> int:
    """Return the cells of a bar on a screen of so many columns."""
    return max(10, min(60, (columns - TIMES) // 3))


def waterfall(trace: Trace, now: float, columns: int) -> tuple[Para, ...]:
    """Return a trace as paragraphs: what it is, then one a span."""
    whole, cells = words.length(trace, now), width(columns)
    made = [para((line, "accent" if number == 0 else "dim")) for number, line in enumerate(words.heading(trace, now))]
    made.append(para((f"{'AFTER':>8} {'TOOK':>8} {'':{cells}} WHAT", "dim")))
    for one in words.laid(trace):
        goes_on = one.span.seconds is None
        times = f"{words.took(one.offset):>8} {words.GOES_ON if goes_on else words.took(one.span.seconds):>8} "
        tone: Tone = "bad" if one.span.failed else "warn" if goes_on else "ok"
        bar: Cell = (words.bar(one, whole, now, cells), tone)
        text: Cell = (f" {words.words(one)}", "bad" if one.span.failed else "plain")
        made.append(Para((times, bar, text), " " * (TIMES + cells + 1 + 2 * one.depth)))
    if (first := next(iter(words.laid(trace)), None)) and first.orphan and first.span.attributes.get("via"):
        made.append(fact("asked by", f"a console ({first.span.attributes['via']}), whose own time is not kept"))
    return tuple(made)
