"""An approval between its table row and the wire."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, cast, func, select

from aistack_backend.approvals.action import Action, parse
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.clock import Clock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.store.people_tables import first_yes
from aistack_backend.store.tables import approval
from aistack_backend.wire.actions import Approval, ApprovalState, Fact, Risk
from aistack_backend.wire.base import Raw

CODE_LENGTH = 4
"""Characters of the hash that are typed for a high risk."""
VIEW_LIMIT = 16 * 1024
"""Longest text of the asker that is kept."""
_TOLD = (
    "id", "task_id", "revision", "kind", "requester", "via", "created_at", "action_hash", "first_at", "decided_at",
    "decided_by", "decided_via", "reason",
)  # fmt: skip
"""Columns that a person sees as they are."""
_SHOWN = ("title", "effect", "undo", "agent_says", "rule", "people")
"""What was shown beside the action when it was asked."""
_COLUMNS = [column for column in approval.columns if column.name != "action"]


def load(connection: Connection, approval_id: int) -> Row[Any]:
    """Return one row; its ``action`` is the bytes as they lie in the database, whatever they are.

    Raises:
        NotFound: there is no such approval.
    """
    row = connection.execute(_rows(connection).where(approval.c.id == approval_id)).first()
    if row is None:
        raise NotFound(f"There is no approval {approval_id}.", "approvals lists them.")
    return row


def pending_first(connection: Connection, decided: int) -> list[Row[Any]]:
    """Return every pending row, nearest deadline first, then the newest ``decided`` others."""
    waiting = _rows(connection).where(approval.c.state == ApprovalState.PENDING)
    others = _rows(connection).where(approval.c.state != ApprovalState.PENDING)
    newest = func.coalesce(approval.c.decided_at, approval.c.created_at).desc()
    first = connection.execute(waiting.order_by(approval.c.expires_at, approval.c.id)).all()
    return [*first, *connection.execute(others.order_by(newest, approval.c.id.desc()).limit(decided)).all()]


def _rows(connection: Connection) -> Any:
    told = (first_yes.c.first_by, first_yes.c.first_at)
    both = (first_yes.c.approval_id == approval.c.id) & (first_yes.c.action_hash == approval.c.action_hash)
    return select(*_COLUMNS, *told, _bytes(connection).label("action")).outerjoin_from(approval, first_yes, both)


def _bytes(connection: Connection) -> ColumnElement[Any]:
    if connection.dialect.name == "postgresql":
        return func.convert_to(approval.c.action, "UTF8")
    return cast(approval.c.action, LargeBinary)


def view_of(evidence: Evidence, risk_reasons: tuple[str, ...], rule: str, people: int) -> str:
    """Return the JSON of what is shown beside the action, and how many people must say yes."""
    shown = {name: _cut(value) for name, value in asdict(evidence).items()}
    return json.dumps(shown | {"risk_reasons": risk_reasons, "rule": rule, "people": people}, sort_keys=True)


def _cut(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_cut(one) for one in value]
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    if isinstance(value, str) and len(value) > VIEW_LIMIT:
        return f"{value[:VIEW_LIMIT]}… ({len(value)} characters in all)"
    return value


def age(row: Any, clock: Clock) -> float:
    """Return the seconds since it was asked: by the steady clock within one boot, else by the wall clock."""
    if row.boot_id == clock.boot_id():
        return float(clock.mono() - (row.expires_mono - (row.expires_at - row.created_at)))
    return float(clock.now() - row.created_at)


def left(row: Any, clock: Clock) -> float:
    """Return the seconds until it expires; a clock set by hand does not change them within one boot."""
    return float(row.expires_at - row.created_at) - age(row, clock)


def to_wire(row: Any, clock: Clock, paused: str = "") -> Approval:
    """Return a row as the operator sees it; times to come are told by the wall clock of now."""
    view, payload = viewed(row.view), bytes(row.action)
    action = _parsed(payload)
    waiting = row.state == ApprovalState.PENDING
    risk = Risk(row.risk)
    shift = _shift(row, clock) if waiting else 0.0
    told = {name: getattr(row, name) for name in _TOLD}
    shown = {name: view[name] for name in _SHOWN} | {"facts": tuple(Fact(**one) for one in view["facts"])}
    return Approval(
        **told,
        **shown,
        state=ApprovalState(row.state),
        risk=risk,
        risk_reasons=tuple(view["risk_reasons"]),
        argv=action.argv,
        script=action.script,
        cwd=action.cwd,
        user=action.user,
        image=action.image,
        targets=action.targets,
        expires_at=row.expires_at + shift,
        ready_at=row.ready_at + shift if row.ready_at else 0.0,
        code=code_of(risk, row.action_hash) if waiting else "",
        typed_name=name_of(risk, action) if waiting else "",
        first_by=row.first_by or "",
        paused=paused if waiting else "",
        payload=Raw(payload.decode("utf-8", "replace")),
    )


def _shift(row: Any, clock: Clock) -> float:
    """How far the wall clock was set since it was asked; 0 when by no more than a second."""
    shift = clock.now() + left(row, clock) - float(row.expires_at)
    return shift if abs(shift) > 1 else 0.0


def code_of(risk: Risk, action_hash: str) -> str:
    """Return what must be typed to approve a high risk, "" for others."""
    return action_hash[:CODE_LENGTH] if risk is Risk.HIGH else ""


def name_of(risk: Risk, action: Action) -> str:
    """Return what must be typed to approve a destructive action, the name of each target; "" for others."""
    if risk is not Risk.DESTRUCTIVE:
        return ""
    return " ".join(one.name for one in action.targets) or action.kind


def viewed(stored: str) -> dict[str, Any]:
    """Return what is shown beside an action; one damaged row must not hide the others."""
    blank: dict[str, Any] = {"title": "unreadable", "effect": "", "undo": "", "agent_says": "", "managed": False}
    blank |= {"risk_reasons": (), "rule": "", "people": 1, "facts": ()}
    try:
        view = json.loads(stored)
    except ValueError:
        return blank
    return blank | view if isinstance(view, dict) else blank


def _parsed(payload: bytes) -> Action:
    try:
        return parse(payload)
    except BadInput:
        return Action(kind="unreadable")
