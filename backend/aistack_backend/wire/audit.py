"""The audit log as the operator reads it."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class Phase(Word):
    """Which moment of an action a record tells."""

    NOTE = "note"
    """A fact: start, stop, configuration, refused attempt."""
    REQUEST = "request"
    DECISION = "decision"
    INTENT = "intent"
    """Written and synced before the effect begins."""
    OUTCOME = "outcome"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One link of the chain."""

    seq: int
    at: float
    phase: Phase
    actor: str
    """``operator:NAME``, ``agent:NAME``, ``backend``."""
    via: str = ""
    """``tui``, ``cli``, ``api``, ``auto``."""
    kind: str
    object: str = ""
    task_id: int | None = None
    approval_id: int | None = None
    action_hash: str = ""
    decision: str = ""
    reason: str = ""
    outcome: str = ""
    detail: str = ""
    """Redacted JSON with the rest of the record."""
    prev: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Newest records first."""

    records: tuple[AuditRecord, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """Result of walking the chain and its witness."""

    ok: bool
    count: int
    head: str = ""
    first_bad: int | None = None
    """The first seq that does not hold; None when all hold."""
    detail: str = ""
    signed: int | None = None
    """The newest record of which a signed checkpoint holds; None = none was signed yet."""
    witnessed: int | None = None
    """Last seq that the witness confirms; None = no witness."""
    checked_at: float = 0.0
