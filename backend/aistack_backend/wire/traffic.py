"""What was measured of the traffic between two services of the stack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How often one status was answered."""

    status: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One direction between two services: who asks, who answers. What was not measured is None, never 0."""

    user: str
    """Id of the service that asks; empty = whoever is no service of this stack, this machine among them."""
    need: str
    """Id of the service that answers."""
    declared: bool = True
    """The manifest names it; False: it was only seen."""
    requests: float | None = None
    """Requests a minute over ``window``, of every kind, as ``need`` counted them."""
    checks: float | None = None
    """Of these, those a minute that only look: its index, ``/health`` and ``/metrics``."""
    errors: float | None = None
    """Share of the requests, 0 to 1, that were answered with 400 or more; None also while there were none."""
    codes: tuple[Answered, ...] = ()
    """Answers within ``window`` by status, lowest first."""
    window: float = 0.0
    """Seconds that were measured."""
    at: float | None = None
    """When its counters were last read, epoch seconds."""
    last_good: float | None = None
    """When ``need`` last answered it with less than 400; None = not seen since the backend began, and always of
    those who are no service of the stack."""
    why: str = ""
    """One sentence: why requests were not measured; empty = they were."""
    connections: int | None = None
    """TCP connections from ``user`` that were open on ``need``'s ports at ``connections_at``: no requests."""
    connections_at: float | None = None
