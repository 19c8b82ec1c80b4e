"""What is told, and how a way of telling looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aistack_backend.wire.actions import Approval


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


class Way(Protocol):
    """One way of telling."""

    name: str
    """``webhook``, ``desktop``."""

    def tell(self, news: News) -> str:
        """Tell it now, within some seconds; return "" or one sentence on why it was not told. Never raises."""
        ...


def news_of(one: Approval) -> News:
    """Return the news of one approval; a kind that is no plain word is not repeated."""
    kind = one.kind if all(part.isidentifier() for part in one.kind.split(".")) and one.kind.isascii() else "unknown"
    return News(approval_id=one.id, task_id=one.task_id, risk=one.risk.value, kind=kind[:64], expires_at=one.expires_at)
