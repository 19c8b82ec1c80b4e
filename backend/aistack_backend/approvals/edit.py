"""Edit: another text in place of what a pending shell command would run; a new action, never a changed one (R1.8)."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import Action, hash_bytes, parse
from aistack_backend.approvals.decision import already, mismatch, who
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.approvals.risk import SHELL
from aistack_backend.approvals.shell import LONGEST
from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.redact import shortened
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, Refused
from aistack_backend.wire.actions import ApprovalState, EditRequest
from aistack_backend.wire.audit import Phase


def edited(
    connection: Connection, approval_id: int, request: EditRequest, clock: Clock
) -> tuple[Any, Action, Evidence]:
    """Return the row that is edited, the new action and what is shown beside it. All but the text stays as it was.

    Raises:
        NotFound: no such approval.
        BadInput: the text cannot be run, or is the same.
        Rejection: decided already, expired, not what was seen, or not a shell command.
    """
    row = rows.load(connection, approval_id)
    if row.state != ApprovalState.PENDING:
        raise Rejection(already(row))
    if rows.left(row, clock) <= 0:
        raise Rejection(Refused(f"Approval {row.id} expired undecided.", "Ask again.", kind="approval-expired"))
    stored = bytes(row.action)
    seen = hmac.compare_digest(request.action_hash.encode(), row.action_hash.encode())
    if not seen or hash_bytes(stored) != row.action_hash:
        raise Rejection(mismatch(f"What you saw is not what approval {row.id} would run.", "Look at it again."))
    action = parse(stored)
    if action.kind != SHELL:
        why = f"Approval {row.id} is a {action.kind}: only the text of a {SHELL} can be edited."
        raise Rejection(Refused(why, "Deny it, and ask for another action."))
    return row, _with(action, request.script), _beside(row, request.script)


def record_refusal(
    connection: Connection, audit: AuditLog, approval_id: int, rejection: Rejection, person: Person
) -> None:
    """Write down an edit that was not taken (R2.1)."""
    row = rows.load(connection, approval_id)
    audit.append(
        connection,
        phase=Phase.NOTE,
        actor=person.actor,
        via=person.via,
        kind=row.kind,
        task_id=row.task_id,
        approval_id=row.id,
        action_hash=row.action_hash,
        decision="edit",
        outcome=f"refused: {rejection.error.detail}",
        detail=who(person),
    )


def _with(action: Action, script: str) -> Action:
    if not script.strip():
        raise BadInput("The edited command is empty.", "Deny the request if nothing is to run.")
    if "\0" in script or len(script.encode(errors="surrogatepass")) > LONGEST:
        raise BadInput("The edited command holds a NUL byte or is longer than 64 KiB.", "Shorten it.")
    if script == action.script:
        raise BadInput("The edited command is the same as before.", "Approve or deny it as it is.")
    argv = tuple(script if word == action.script else word for word in action.argv)
    return replace(action, script=script, argv=argv)


def _beside(row: Any, script: str) -> Evidence:
    view = rows.viewed(row.view)
    first = shortened(script.strip().splitlines()[0], 60)
    whole = "" if first == script.strip() else "…"
    return Evidence(
        title=f"run in a sandbox, edited: {first}{whole}",
        effect=view["effect"],
        undo=view["undo"],
        agent_says=view["agent_says"],
        managed=bool(view["managed"]),
    )
