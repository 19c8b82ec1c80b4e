"""``approvals``: the queue, or one approval in full."""

from __future__ import annotations

import time

from aistack_backend.wire.actions import Approval, ApprovalList, ApprovalState
from aistack_console.client.api import Client
from aistack_console.present.units import clock, span
from aistack_console.verbs.context import Context, columns, fields
from aistack_console.verbs.exits import Exit

TITLES = ("ID", "RISK", "STATE", "TIME LEFT", "TASK", "ACTION", "ASKED BY")


def run(context: Context) -> Exit:
    """Print what waits, or with ``--all`` also what was decided."""
    number = context.arguments.id

    async def job(client: Client) -> Approval | ApprovalList:
        return await client.approvals() if number is None else await client.approval(number)

    found = context.with_backend(job)
    if isinstance(found, ApprovalList) and not context.arguments.all:
        waiting = tuple(one for one in found.approvals if one.state is ApprovalState.PENDING)
        found = ApprovalList(approvals=waiting)
    context.show(found, lambda: whole(found) if isinstance(found, Approval) else _words(found))
    return Exit.OK


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
    targets = "\n".join(f"{item.type} {item.name}  {item.id}  {item.pin}".rstrip() for item in one.targets)
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
            ("asked by", f"{one.requester} {one.via}".strip()),
            ("it says", f'"{one.agent_says}"   (its own words, not checked)' if one.agent_says else ""),
            ("policy", one.rule),
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
