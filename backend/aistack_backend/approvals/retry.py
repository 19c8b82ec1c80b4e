"""What changed against the last request of the same kind by the same asker that was denied or failed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from aistack_backend.approvals import row as rows
from aistack_backend.approvals.action import Action
from aistack_backend.store.tables import approval, effect
from aistack_backend.wire.actions import ApprovalState, Fact

NAME = "retry"
LINES = 60
"""Lines of a difference that are shown; the rest is counted."""
_OURS = ("task_id", "step", "policy", "requester")
"""Fields that differ between two requests whatever is asked."""
_NO = (ApprovalState.DENIED, ApprovalState.EXPIRED, ApprovalState.MISMATCH)


def against_last(connection: Connection, action: Action) -> tuple[Fact, ...]:
    """Return one fact with the difference, or nothing where no such request came before."""
    last = _last(connection, action)
    if last is None:
        return ()
    became = f"was {ApprovalState(last.state)}" if last.state in _NO else "failed"
    why = f" ({last.reason})" if last.reason and last.state == ApprovalState.DENIED else ""
    changed = [*_changes(bytes(last.action), action.canonical())]
    what = "\n".join(changed) if changed else "nothing: it is the same once more"
    said = f"#{last.id} {became}{why}. Changed since:\n{what}"
    return (Fact(name=NAME, text=said, source=f"approval {last.id}", at=last.decided_at or last.created_at),)


def _last(connection: Connection, action: Action) -> Any:
    like = (approval.c.kind == action.kind) & (approval.c.requester == action.requester)
    failed = select(effect.c.approval_id).where(effect.c.state == "failed")
    bad = approval.c.state.in_(_NO) | approval.c.id.in_(failed)
    found = connection.execute(select(approval.c.id).where(like & bad).order_by(approval.c.id.desc()).limit(1)).scalar()
    return None if found is None else rows.load(connection, int(found))


def _changes(before: bytes, after: bytes) -> Iterator[str]:
    try:
        old: dict[str, Any] = json.loads(before)
    except ValueError:
        yield "unknown: the earlier record cannot be read"
        return
    new: dict[str, Any] = json.loads(after)
    for one in (old, new):  # the shell's argument is the script: told once
        one["argv"] = ["the script" if word and word == one.get("script") else word for word in one.get("argv", ())]
    for name in sorted({*old, *new} - set(_OURS)):
        if old.get(name) != new.get(name):
            yield f"{name}:"
            yield from _lines(_text(old.get(name)), _text(new.get(name)))


def _lines(old: list[str], new: list[str]) -> Iterator[str]:
    found = [line for line in difflib.unified_diff(old, new, lineterm="", n=0) if line[:3] not in ("---", "+++")]
    kept = [line for line in found if not line.startswith("@@")]
    yield from kept[:LINES]
    if len(kept) > LINES:
        yield f"… {len(kept) - LINES} more changed lines"


def _text(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, list):
        return [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False, sort_keys=True) for one in value]
    return [json.dumps(value, ensure_ascii=False, sort_keys=True)]
