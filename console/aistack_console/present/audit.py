"""The audit log: who did what, with what outcome, and whether the chain holds."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.audit import AuditCheck, AuditRecord, Phase
from aistack_console.present.para import Para, fact, para
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import day_clock, many, span, stamp

COLUMNS = (
    Column("SEQ", 6, "right"),
    Column("TIME", 11),
    Column("WHO", 14),
    Column("VIA", 4, min_screen_width=120),
    Column("PHASE", 8),
    Column("WHAT", 0),
    Column("HASH", 8, min_screen_width=120),
)
PHASE_TONES: dict[Phase, Tone] = {
    Phase.NOTE: "dim",
    Phase.REQUEST: "warn",
    Phase.DECISION: "accent",
    Phase.INTENT: "accent",
    Phase.OUTCOME: "ok",
    Phase.UNKNOWN: "warn",
}


def rows(records: Sequence[AuditRecord], now: float) -> tuple[Row, ...]:
    """Return the records as rows, newest first; kind, object and result share one column."""
    return tuple(
        Row(
            str(one.seq),
            (
                str(one.seq),
                day_clock(one.at, now),
                one.actor,
                one.via,
                (one.phase.value, PHASE_TONES[one.phase]),
                said(one),
                (one.hash[:8], "dim"),
            ),
        )
        for one in records
    )


def said(one: AuditRecord) -> str:
    """Return kind, object or else the approval's number, and what came of it."""
    asked = one.object or ("" if one.approval_id is None else f"approval {one.approval_id}")
    how = one.outcome or " ".join(filter(None, (one.decision, one.reason)))
    return f"{one.kind}  {asked}".strip() + (f": {how}" if how else "")


def head(check: AuditCheck | None, shown: int, total: int, text: str, now: float) -> tuple[Cell, ...]:
    """Return the line above the list: what the last check said and what is shown."""
    cells: list[Cell] = [("AUDIT  ", "accent")]
    if check is None:
        cells.append(("chain not checked yet (v checks)", "dim"))
    elif check.ok:
        cells.append(("CHAIN OK ", "ok"))
        witnessed = "no witness" if check.witnessed is None else f"witnessed to {check.witnessed}"
        cells.append(f"{many(check.count, 'entry', 'entries')}, head {check.head[:8]}, {witnessed}")
        cells.append((f", checked {span(now - check.checked_at)} ago", "dim"))
    else:
        cells.append(("CHAIN BROKEN ", "bad"))
        cells.append((f"first at {check.first_bad}: {check.detail}", "bad"))
    cells.append((f"   {shown} of {total} shown", "dim"))
    if text:
        cells.append((f"   filter {text}", "dim"))
    return tuple(cells)


def detail(one: AuditRecord, now: float) -> tuple[Para, ...]:
    """Return one record in full."""
    facts = (
        ("when", day_clock(one.at, now)),
        ("who", f"{one.actor}   via {one.via or '-'}"),
        ("what", f"{one.kind} {one.object}".strip()),
        ("decision", one.decision),
        ("reason", one.reason),
        ("outcome", one.outcome),
        ("task", "" if one.task_id is None else f"#{one.task_id}"),
        ("approval", "" if one.approval_id is None else f"#{one.approval_id}"),
        ("action", one.action_hash),
        ("detail", one.detail),
        ("prev", one.prev),
        ("this", one.hash),
    )
    head = para((f"#{one.seq} ", "accent"), (one.phase.value.upper(), PHASE_TONES[one.phase]))
    return (head, *(fact(name, value) for name, value in facts if value))


def copies(one: AuditRecord) -> tuple[tuple[str, str], ...]:
    """Return what can be copied of a record, as ``(what, text)``."""
    told = " ".join(filter(None, (one.kind, one.object, one.decision, one.outcome or one.reason)))
    return (
        ("line", f"#{one.seq} {stamp(one.at)} {one.actor} {one.phase.value} {told}"),
        ("hash", one.hash),
        ("action", one.action_hash),
        ("detail", one.detail),
    )
