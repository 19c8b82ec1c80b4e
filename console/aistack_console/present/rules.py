"""Rules: how one reads in a list, and what its rehearsal found."""

from __future__ import annotations

from aistack_backend.wire.rules import Rehearsal, Rule, RuleList
from aistack_console.present.para import Para, fact, para
from aistack_console.present.table import Column, Row
from aistack_console.present.units import span

COLUMNS = (Column("#", 4, "right"), Column("ALLOWS", 0), Column("WHERE", 10), Column("USED", 4, "right"),
           Column("ENDS", 20))  # fmt: skip


def rows(found: RuleList, now: float) -> tuple[Row, ...]:
    """Return the rules as the backend ordered them: those that hold first."""
    return tuple(
        Row(str(one.id), (str(one.id), allows(one), where(one), str(one.used), ends(one, now))) for one in found.rules
    )


def allows(rule: Rule) -> str:
    """Return what a rule lets through."""
    return f"{rule.kind} {rule.pattern}"


def where(rule: Rule) -> str:
    """Return where a rule holds."""
    return "any task" if rule.task_id is None else f"task {rule.task_id}"


def ends(rule: Rule, now: float) -> str:
    """Return when a rule ends, why it ended, or that it can never match."""
    return rule.ended or (f"NEVER MATCHES: {rule.never}" if rule.never else f"in {span(rule.ends_at - now)}")


def rehearsal(found: Rehearsal) -> tuple[Para, ...]:
    """Return what a rule would have let through, one past request a line; nothing is cut."""
    count = len(found.passed)
    paras = [fact("RULE", found.words)]
    if found.never:
        paras.append(para((f"It could never match: {found.never} It cannot be made.", "bad")))
    paras.append(fact("REHEARSED", f"it would have let through {count} of the newest {found.tried} requests"))
    denied = sum(one.state == "denied" for one in found.passed)
    if denied:
        paras.append(para((f"{denied} of them {'was' if denied == 1 else 'were'} denied by somebody.", "bad")))
    paras += [
        para((f"#{one.approval_id}", "accent"), f" {one.title}", (f"   task {one.task_id}, {one.state}", "dim"))
        for one in found.passed
    ]
    return tuple(paras)
