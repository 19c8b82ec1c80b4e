"""The lines that every screen has: header, tabs, banner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import API, Status
from aistack_console.present.stack import counts
from aistack_console.present.table import Cell
from aistack_console.present.units import clock, size, span
from aistack_console.present.words import TONES, measured

NOT_YET: Cell = (" services not measured yet ", "dim")
HOST_STALE = 8.0
"""Seconds after which a sample of the machine is old (it is taken each 2 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the console reaches its backend."""

    down: float | None
    """Since when it does not; None = it does."""
    why: str = ""
    rtt: float | None = None
    rate: float | None = None
    """Bytes per second that come in."""


def header(
    *,
    status: Status | None,
    fleet: Fleet | None,
    stack: Stack | None = None,
    pending: int | None,
    alarms: int | None = None,
    link: Link,
    view_only: bool,
    now: float,
) -> tuple[Cell, ...]:
    """Return the header: host, state counts, what needs the operator, link and clock."""
    cells: list[Cell] = [(" aistack ", "accent"), f"{status.hostname if status else '?'} "]
    if link.down is not None:
        cells.append((f" BACKEND DOWN since {clock(link.down)} ", "bad"))
    number = counts(stack, fleet, link.down, now)
    known = measured(fleet) or bool(stack and stack.services)
    if not known:
        source = fleet.source if fleet and fleet.source.state is not SourceState.OK else None
        cells.append((f" {source.name} {source.state.value} ", "bad") if source else NOT_YET)
    for word in ("OK", "OK*", "STARTING", "BAD", "UNKNOWN"):
        if number[word] or (word in {"OK", "BAD"} and known):
            cells.append(f" {word} ")
            cells.append((str(number[word]), TONES[word] if number[word] else "dim"))
    cells.append(("  YOU ", "warn" if pending else "dim"))
    cells.append((" - " if pending is None else f"{pending} ", "warn" if pending else "dim"))
    if alarms:
        cells += [(" ALARM ", "bad"), (f"{alarms} ", "bad")]
    if view_only:
        cells.append((" VIEW-ONLY ", "warn"))
    cells.append((f"  {_link(link)}{clock(now, seconds=False)}", "dim"))
    return tuple(cells)


def _link(link: Link) -> str:
    if link.down is not None or link.rtt is None:
        return ""
    rate = "" if link.rate is None else f" {size(link.rate)}B/s"
    return f"{link.rtt * 1000:.0f}ms{rate}  "


def banner(status: Status | None, link: Link, now: float) -> str:
    """Return the sentence that must stay on screen; empty = none."""
    if link.down is not None:
        return f"{link.why} What you see is {span(now - link.down)} old." if status else link.why
    if status is None:
        return ""
    return mismatch(status) or status.banner


def mismatch(status: Status) -> str:
    """Return why nothing can be changed through a backend of another major version (R5.10); empty = it can."""
    if status.api == API:
        return ""
    return (
        f"The backend speaks API {status.api}, this console {API}: nothing can be changed from here. "
        "Update the older one: pip install -U aistack-console, then restart the backend."
    )


def tabs(names: Sequence[tuple[str, str, str]], pending: int | None, width: int) -> tuple[tuple[str, str], ...]:
    """Return ``(name, label)`` of each tab from ``(name, key, short)``; approvals carry their count."""
    badges = {"approvals": f"({pending})" if pending else ""}
    whole = tuple((name, f"{key} {short}{badges.get(name, '')}".strip()) for name, key, short in names)
    if sum(len(label) + 2 for _, label in whole) <= width:
        return whole
    return tuple((name, f"{key}{short}{badges.get(name, '')}") for name, key, short in names)


def host_stale(host: HostSample, down: float | None, now: float) -> float | None:
    """Return the age of a sample of the machine when it is old, else None."""
    age = now - host.at
    return age if down is not None or age > HOST_STALE else None
