"""``approvals``: the queue, or one approval in full."""

from __future__ import annotations

import asyncio
import time

from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState, Target
from aistack_backend.wire.rules import DecisionReport
from aistack_console.client.api import Client
from aistack_console.present.approvals import people
from aistack_console.present.facts import origin
from aistack_console.present.units import clock, span
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit

STEP = 0.5
"""Seconds between two looks at the queue."""
TITLES = ("ID", "RISK", "STATE", "TIME LEFT", "TASK", "ACTION", "ASKED BY")


def run(context: Context) -> Exit:
    """Print what waits, or with ``--all`` also what was decided."""
    number = context.arguments.id
    if context.arguments.report:
        told = context.with_backend(lambda client: client.decision_report())
        context.show(told, lambda: _figures(told))
        return Exit.OK

    async def job(client: Client) -> Approval | ApprovalList:
        if number is not None:
            return await client.approval(number)
        return await (_waited(client, context.arguments.timeout) if context.arguments.wait else client.approvals())

    found = context.with_backend(job)
    if isinstance(found, ApprovalList) and not context.arguments.all:
        waiting = tuple(one for one in found.approvals if one.state is ApprovalState.PENDING)
        found = ApprovalList(approvals=waiting)
    context.show(found, lambda: whole(found) if isinstance(found, Approval) else _words(found))
    return Exit.OK


async def _waited(client: Client, seconds: float) -> ApprovalList:
    """Look until something is pending.

    Raises:
        VerbError: nothing came in time.
    """
    try:
        async with asyncio.timeout(seconds):
            found = await client.approvals()
            while not _pending(found):
                await asyncio.sleep(STEP)
                found = await client.approvals()
    except TimeoutError:
        raise VerbError(Exit.FAILED, f"Nothing waited for a decision within {seconds:g} s.") from None
    return found


def _pending(found: ApprovalList) -> bool:
    return any(one.state is ApprovalState.PENDING for one in found.approvals)


def _figures(found: DecisionReport) -> str:
    took = "not measured" if found.median_seconds is None else f"{found.median_seconds:.1f} s from question to answer"
    quick = "not measured" if found.quick_share is None else f"{found.quick_share:.0%} of the approvals"
    waiting = f"{found.waiting}, {found.waiting_distinct} of them different"
    return fields(
        [
            ("decided", f"{found.decided} by people, {found.approved} of them approved"),
            ("median", took),
            ("within 2 s", quick),
            ("waiting", waiting),
            ("you", _pace(found)),
        ]
    )


def _pace(found: DecisionReport) -> str:
    """Return how close the reader is to a pause."""
    if found.last_minute is None or not found.most:
        return ""
    return f"approved {found.last_minute} requests of others in the last minute; {found.most} make a pause"


def _words(queue: ApprovalList) -> str:
    if not queue.approvals:
        return "Nothing waits for a decision."
    return columns(TITLES, [_row(one) for one in queue.approvals])


def _row(one: Approval) -> tuple[str, ...]:
    waits = one.state is ApprovalState.PENDING
    left = span(one.expires_at - time.time()) if waits else ""
    state = one.state.value if waits else f"{one.state.value} by {one.decided_by or one.rule}"
    return (str(one.id), one.risk.value.upper(), state, left, str(one.task_id), one.title, one.requester)


def whole(one: Approval) -> str:
    """Return all of an approval: what will run, uncut, and what was measured about it."""
    targets = "\n".join(
        f"{item.type} {item.name}  {item.id}  {item.pin}".rstrip() + _where(item) for item in one.targets
    )
    told = fields(
        [
            (f"approval {one.id}", f"{one.title}   (task {one.task_id}, revision {one.revision})"),
            ("risk", f"{one.risk.value.upper()}: {'; '.join(one.risk_reasons) or 'no rule says why'}"),
            ("kind", one.kind),
            ("command", "\n".join(one.argv)),
            ("script", one.script),
            ("targets", targets),
            ("folder", one.cwd),
            ("user", one.user),
            ("image", one.image),
            ("effect", one.effect or "not measured"),
            ("undo", one.undo or "not known"),
            *((each.name, f"{each.text}   ({origin(each)})" if origin(each) else each.text) for each in one.facts),
            ("asked by", f"{one.requester} {one.via}".strip()),
            ("it says", f'"{one.agent_says}"   (its own words, not checked)' if one.agent_says else ""),
            ("policy", one.rule),
            ("people", people(one)),
            ("paused", one.paused),
            ("hash", one.action_hash),
            ("state", _state(one)),
        ]
    )
    record = f"\n\nthe record that is hashed:\n{one.payload.value}" if one.payload.value else ""
    return told + _visible(record)


def _visible(record: str) -> str:
    from aistack_console.text import plain

    return plain(record)


def _state(one: Approval) -> str:
    if one.state is ApprovalState.PENDING:
        return f"PENDING until {clock(one.expires_at)}, then it counts as no"
    who = f" by {one.decided_by} at {clock(one.decided_at)}" if one.decided_by else ""
    return f"{one.state.value.upper()}{who}{f': {one.reason}' if one.reason else ''}"


def _where(target: Target) -> str:
    return f"  on the machine {target.host}" if target.host else ""
