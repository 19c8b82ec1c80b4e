"""Endpoints elsewhere as they were found: state, latency, tokens, cost as measured; None = not known, never 0."""

from __future__ import annotations

from dataclasses import dataclass, field

from aistack_backend.wire.base import Word


class BreakerState(Word):
    """Whether an endpoint is asked."""

    CLOSED = "closed"
    """It is asked."""
    OPEN = "open"
    """It failed too often, or told us to wait: it is not asked until the next try."""
    HALF_OPEN = "half-open"
    """One call tries whether it answers again."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The state and what speaks for it."""

    state: BreakerState
    since: float
    """When this state began."""
    failures: int = 0
    """In a row, the newest included."""
    next_try: float | None = None
    """When it is asked again; None = now."""
    last_error: str = ""
    """One sentence; empty = none yet."""
    last_error_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What was had of an endpoint over some time, as the endpoint itself counted."""

    answers: int = 0
    """Answers that came, whole or in part."""
    failures: int = 0
    """Calls that failed, also in the middle of an answer."""
    counted: int = 0
    """Answers of which the endpoint told the tokens."""
    tokens_in: int = 0
    """Of the counted answers."""
    tokens_out: int = 0
    priced: int = 0
    """Answers whose cost is known."""
    cost: str | None = None
    """Of the priced answers, as an exact decimal number; None = no answer has a known cost."""
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds from a request to the first sign of its answer, measured last."""

    at: float
    seconds: float
    what: str
    """``first text`` of an answer, ``answer`` that came whole, ``models`` or ``embeddings``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One endpoint of the configuration, and how it does."""

    name: str
    url: str
    host: str
    """Host and port of the URL."""
    model: str
    local: bool
    keyed: bool
    """A key goes with each request."""
    breaker: Breaker
    latency: Latency | None = None
    since_start: Use = field(default_factory=Use)
    today: Use | None = None
    """Of this day in UTC, also from before the start; None = the store cannot tell."""
    price_in: str | None = None
    """Of a million tokens read; None = not known."""
    price_out: str | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderList:
    """Every endpoint of the configuration, in its order."""

    started_at: float
    """Since when is counted."""
    providers: tuple[Provider, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """One call of a check: what was sent and what was measured."""

    sent: str
    """What left this machine, in one sentence."""
    ok: bool
    detail: str
    """What came back, or why nothing did."""
    seconds: float | None = None
    """Until it was there as a whole; None = it never was."""
    first_after: float | None = None
    """Until its first text."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCheck:
    """What a person's check of one endpoint measured."""

    name: str
    at: float
    ok: bool
    steps: tuple[CheckStep, ...]
    provider: Provider
    """How it stands after the check."""
