"""Errors on the wire (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refused or failed request."""

    type: str
    """Stable word, e.g. ``approval-already-decided``; see ``docs/api.md``."""
    title: str
    status: int
    detail: str = ""
    """What happened, where."""
    hint: str = ""
    """What would be right."""
    winner: str = ""
    """For ``approval-already-decided``: who decided."""
    decision: str = ""
    decided_at: float | None = None
