"""A moment of the past in words: everything says when it was, and what was not recorded is not shown."""

from __future__ import annotations

import re
import time

from aistack_backend.wire.past import Past, PastState
from aistack_console.present.alerts import number
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import clock, day_clock, percent, size, span, stamp

COLUMNS = (Column("STATE", 10), Column("NAME", 26), Column("SINCE", 12), Column("WHY", 0))
TONES: dict[str, Tone] = {"ok": "ok", "running": "ok", "bad": "bad", "exited": "dim", "stopped": "dim", "dead": "bad"}
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_AGO = re.compile(r"-\s*([0-9]{1,6})\s*([smhd])")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
NOTHING = "Nothing was recorded shortly before this moment: how things stood is not known."


def moment(text: str, now: float) -> float | None:
    """Return the moment that was typed: a time of day (the last one before now), or so long ago; None = neither."""
    if found := _AGO.fullmatch(text.strip()):
        return now - float(found[1]) * UNITS[found[2]]
    if not (found := _CLOCK.fullmatch(text.strip())):
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    day = time.localtime(now)
    at = time.mktime((day.tm_year, day.tm_mon, day.tm_mday, hour, minute, second, 0, 0, -1))
    return at if at <= now else at - UNITS["d"]


def banner(at: float, now: float) -> str:
    """Return what stands on the whole screen."""
    return f"PAST: everything here is as it was at {clock(at)}, {span(now - at)} ago. Esc goes back to now."


def head(past: Past | None, at: float, now: float) -> tuple[Cell, ...]:
    """Return the line above: which moment, and since when is recorded."""
    cells: list[Cell] = [("TIME MACHINE  ", "accent"), (stamp(at), "warn")]
    if past is None:
        return (*cells, ("  reading ...", "dim"))
    if past.oldest is not None:
        cells.append((f"  recorded since {day_clock(past.oldest, now)}", "dim"))
    if not past.recorded:
        cells.append(("  NOT RECORDED", "bad"))
    return tuple(cells)


def rows(past: Past | None) -> tuple[Row, ...]:
    """Return the services, then the containers of that moment."""
    if past is None or not past.recorded:
        return ()
    made: list[Row] = []
    for name, states in (("services", past.services), ("containers", past.containers)):
        made.append(Row(f"group:{name}", ((f"{name} {len(states)}", "accent"),), group=True))
        made += [_row(name, one) for one in states]
    return tuple(made)


def _row(kind: str, one: PastState) -> Row:
    tone = TONES.get(one.state, "warn")
    return Row(f"{kind}:{one.name}", ((one.state, tone), one.name, (clock(one.since), "dim"), (why(one), "dim")))


def why(one: PastState) -> str:
    """Return what is said of a state; a container without a health command has nothing to say."""
    return "" if one.why == "none" else one.why


def side(past: Past, key: str) -> tuple[Para, ...]:
    """Return the machine of that moment, the chosen one in full, and what had happened."""
    if not past.recorded:
        return (para((NOTHING, "warn")), *_events(past))
    host = past.host
    figures = [
        f"cpu {percent(host.get('cpu'))}%",
        f"memory {size(host.get('memory'))}",
        f"load {number(host.get('load'))}",
        f"in {size(host.get('net_in'))}/s out {size(host.get('net_out'))}/s",
        *(f"{name.removeprefix('disk.')} {size(value)}" for name, value in host.items() if name.startswith("disk.")),
    ]
    kind, _, name = key.partition(":")
    states = past.services if kind == "services" else past.containers if kind == "containers" else ()
    chosen = next((one for one in states if one.name == name), None)
    lines = [para(("machine then  ", "dim"), ", ".join(figures))]
    if chosen is not None and why(chosen):
        lines.append(fact(chosen.name, why(chosen)))
    return (*lines, *_events(past))


def _events(past: Past) -> tuple[Para, ...]:
    if not past.events:
        return (para(("No event was recorded before it.", "dim")),)
    told = [para((f"{clock(one.at)} ", "dim"), f"{one.who} ", one.text) for one in past.events]
    return (title("what had happened, newest first"), *told)
