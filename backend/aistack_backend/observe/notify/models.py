"""What is told, and how a way of telling looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from aistack_backend.wire.actions import Approval
from aistack_backend.wire.alerts import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One approval that waits. Nothing in it was written by whoever asks: no title, no command, no reason."""

    approval_id: int
    task_id: int
    risk: str
    kind: str
    expires_at: float

    @property
    def sentence(self) -> str:
        """Our own sentence."""
        return f"Approval {self.approval_id} ({self.risk}, {self.kind}) of task {self.task_id} waits for a person."

    @property
    def type(self) -> str:
        """What it is news of."""
        return "approval"

    @property
    def subject(self) -> dict[str, Any]:
        """What the audit says that it is about."""
        return {"approval_id": self.approval_id, "task_id": self.task_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm that fires. Nothing in it was written by whoever is measured: no label, no summary."""

    alert_id: int
    rule: str
    severity: str
    fired_at: float

    @classmethod
    def of(cls, one: Alert) -> Alarm:
        """Return the news of one alarm; a rule whose name is no plain word is not repeated."""
        plain = one.rule if one.rule.isidentifier() and one.rule.isascii() else "unknown"
        return cls(alert_id=one.id, rule=plain[:64], severity=one.severity.value, fired_at=one.fired_at)

    @property
    def sentence(self) -> str:
        """Our own sentence."""
        return f"Alarm {self.alert_id} ({self.severity}) fires: {self.rule}."

    @property
    def type(self) -> str:
        """What it is news of."""
        return "alert"

    @property
    def subject(self) -> dict[str, Any]:
        """What the audit says that it is about."""
        return {"object": f"alert {self.alert_id}"}


class Way(Protocol):
    """One way of telling."""

    name: str
    """``webhook``, ``desktop``."""

    def tell(self, news: News | Alarm) -> str:
        """Tell it now, within some seconds; return "" or one sentence on why it was not told. Never raises."""
        ...


def news_of(one: Approval) -> News:
    """Return the news of one approval; a kind that is no plain word is not repeated."""
    kind = one.kind if all(part.isidentifier() for part in one.kind.split(".")) and one.kind.isascii() else "unknown"
    return News(approval_id=one.id, task_id=one.task_id, risk=one.risk.value, kind=kind[:64], expires_at=one.expires_at)
