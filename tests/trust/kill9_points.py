"""The named moments at which ``test_kill9_points.py`` kills a backend: before or after one call of the real code.

A point is armed from outside by wrapping a method in the process that is to die: the product knows nothing of it.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbos._sys_db import SystemDatabase
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event

from aistack_backend.approvals.service import Approvals
from aistack_backend.audit.log import AuditLog
from aistack_backend.audit.witness import Disk
from aistack_backend.engine import taskrow
from aistack_backend.engine.enqueue import Queue
from aistack_backend.engine.gate import Gate
from aistack_backend.engine.lease import Lease
from aistack_backend.engine.ledger import Ledger
from aistack_backend.engine.marks import Marks
from aistack_backend.engine.memory_tool import NoteTool
from aistack_backend.engine.orphans import Orphans


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the product, and how often one life makes it at least."""

    owner: Any
    method: str
    often: int = 1


CALLS = {
    "lease": Call(Lease, "acquire"),
    "make stale": Call(Approvals, "on_restart"),
    "request row": Call(Approvals, "request", 4),
    "audit append": Call(AuditLog, "append", 12),
    "witness sync": Call(Disk, "sync", 12),
    "seal": Call(AuditLog, "seal", 12),
    "decision": Call(Approvals, "decide", 4),
    "enqueue": Call(Queue, "enqueue", 3),
    "queue claim": Call(SystemDatabase, "start_queued_workflows", 4),
    "gate begin": Call(Gate, "begin", 3),
    "use of the approval": Call(Approvals, "begin", 3),
    "effect row": Call(Ledger, "begin", 3),
    "act": Call(NoteTool, "write", 3),
    "effect end": Call(Ledger, "end", 3),
    "outcome": Call(Gate, "end", 3),
    "task row": Call(taskrow, "move", 8),
    "step checkpoint": Call(SystemDatabase, "record_operation_result", 3),
    "workflow outcome": Call(SystemDatabase, "update_workflow_outcome", 3),
    "orphans": Call(Orphans, "settle"),
    "pause asked": Call(Marks, "ask_pause"),
    "pause written": Call(Gate, "pause"),
    "resume": Call(Marks, "resume"),
    "stop asked": Call(Ledger, "ask_stop"),
}
POINTS = (
    *(f"{side} {name}" for name in CALLS for side in ("before", "after")),
    "before commit",
    "before rollback",
)
"""Every name that ``arm`` takes."""


def arm(point: str, number: int) -> None:
    """Let this process kill itself at the ``number``-th time that it comes to ``point``."""
    left = [number]

    def here(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    side, _, name = point.partition(" ")
    if name in ("commit", "rollback"):
        event.listen(SqlEngine, name, here)
        return
    call = CALLS[name]
    setattr(call.owner, call.method, _wrapped(getattr(call.owner, call.method), here, before=side == "before"))


def _wrapped(method: Callable[..., Any], here: Callable[[], None], *, before: bool) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        if before:
            here()
        result = method(*arguments, **named)
        if not before:
            here()
        return result

    return wrapper
