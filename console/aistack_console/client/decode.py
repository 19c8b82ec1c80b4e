"""JSON from the socket into wire types, with every string made plain on the way.

Unknown fields are ignored and unknown words become ``UNKNOWN``, so a backend of another version can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aistack_backend.wire.actions import ApprovalList
from aistack_backend.wire.alerts import AlertList
from aistack_backend.wire.audit import AuditPage
from aistack_backend.wire.boot import Boot
from aistack_backend.wire.checklist import Checklist
from aistack_backend.wire.containers import Activity, Fleet, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.learning import LearningStatus
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.shelf import ModelShelf
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import Status
from aistack_backend.wire.tasks import TaskList
from aistack_console.errors import BackendDown
from aistack_console.text import Mode, safe

T = TypeVar("T")

TOPICS: dict[Topic, type] = {
    Topic.STATUS: Status,
    Topic.FLEET: Fleet,
    Topic.USAGE: UsageTable,
    Topic.APPROVALS: ApprovalList,
    Topic.TASKS: TaskList,
    Topic.AUDIT: AuditPage,
    Topic.HOST: HostSample,
    Topic.MODEL: ModelStatus,
    Topic.SHELF: ModelShelf,
    Topic.STACK: Stack,
    Topic.BOOT: Boot,
    Topic.CHECKLIST: Checklist,
    Topic.LEARNING: LearningStatus,
    Topic.ALERTS: AlertList,
    Topic.ACTIVITY: Activity,
}
"""What the data of each topic is; RESET has none."""


_DECODERS: dict[type, Callable[[bytes | str], Any]] = {}


def _decoder(kind: type) -> Callable[[bytes | str], Any]:
    if (found := _DECODERS.get(kind)) is None:
        import msgspec

        found = _DECODERS[kind] = msgspec.json.Decoder(kind).decode
    return found


def decode(data: bytes | str, kind: type[T], mode: Mode = "show") -> T:
    """Return ``data`` as one wire object, safe to draw.

    Raises:
        BackendDown: it is not JSON of that shape; the sentence says what was expected.
    """
    import msgspec

    try:
        found: T = _decoder(kind)(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BackendDown(
            f"The backend's answer is not a {kind.__name__}: {safe(str(error))}.",
            "Console and backend may be of different versions: restart the backend.",
        ) from error
    return safe(found, mode)


def decode_topic(topic: Topic, data: bytes | str) -> Any:
    """Return the snapshot that an event of ``topic`` carries; None for RESET and for topics of a newer backend.

    Raises:
        BackendDown: the data does not fit the topic.
    """
    kind = TOPICS.get(topic)
    return decode(data, kind) if kind else None


def decode_problem(data: bytes, status: int) -> Problem:
    """Return an error answer as a problem, also when a proxy or crash gave something else than problem+json."""
    try:
        return decode(data, Problem)
    except BackendDown:
        text = safe(data[:200].decode(errors="replace"), "drop").strip()
        return Problem(type="error", title=f"The backend answered {status}", status=status, detail=text)
