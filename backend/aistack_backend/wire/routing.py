"""A question on its way to an answer: what was asked, which route it took and why, and what left this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aistack_backend.wire.base import Word
from aistack_backend.wire.calibration import Calibration

CLASSES = ("lookup", "code", "explain", "summarise", "other")
"""Kinds of question, as rules tell them apart."""


class Route(Word):
    """Where an answer came from."""

    CACHE = "cache"
    """What was learned; no model was asked."""
    LOCAL = "local"
    """A model on this machine."""
    REMOTE = "remote"
    """An endpoint elsewhere: the question left this machine."""
    NONE = "none"
    """Nobody answered."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRequest:
    """A question. What is not said is decided by the rules."""

    query: str
    context: dict[str, Any] = field(default_factory=dict)
    """What the asker knows beside it; told to the model, and looked through for what must not leave."""
    session: str = ""
    """Name of a conversation; its last turns are told to the model. Empty = a question by itself."""
    prefer: str = ""
    """``local`` or ``remote``: who is asked first, where the rules allow both. Empty = no wish."""
    local_only: bool = False
    """Nothing of this question may leave this machine."""
    max_tokens: int = 512
    fresh: bool = False
    """Ask a model though the answer was learned."""
    consent: bool = False
    """The question and its answer may be trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One step on the way: who was asked, or why not."""

    route: Route
    name: str
    """``learned``, the model's or the provider's name."""
    asked: bool
    """False = it was left out; ``detail`` says why."""
    ok: bool
    detail: str = ""
    """One sentence."""
    latency: float | None = None
    """Seconds; None = it was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSource:
    """A piece of a document that the model was shown."""

    source: str
    title: str
    cosine: float | None = None
    """Likeness of meaning to the question; None = it was found by words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAnswer:
    """An answer and how it came to be. What was not measured is None."""

    id: int
    """Number of the interaction in the telemetry."""
    answer: str
    route: Route
    reason: str
    """Why this route: the rules that decided, in sentences."""
    task_class: str
    """One of ``CLASSES``."""
    model: str = ""
    provider: str = ""
    """Name of the endpoint; empty = none was asked."""
    confidence: float | None = None
    """0 to 1; None = nothing was measured."""
    measured: str = ""
    """From what the confidence was measured, or why it was not."""
    agreement: float | None = None
    """How far the model's answers agree, where that was measured."""
    judgements: int = 0
    """That the confidence was calibrated with; 0 = it is not calibrated."""
    sources: tuple[RouteSource, ...] = ()
    latency: float = 0.0
    """Seconds of the whole, as the coordinator measured them."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: str | None = None
    """An exact decimal number of ``currency``; None = not known. What was computed here costs 0."""
    currency: str = ""
    tried: tuple[Tried, ...] = ()
    patterns: tuple[int, ...] = ()
    """Learned patterns that had a hand in it."""
    session: str = ""
    private: tuple[str, ...] = ()
    """Kinds of private things that were found and kept it here, as ``e-mail``; never the things themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """One question as it lies in the telemetry."""

    id: int
    at: float
    query: str
    """Without its secrets."""
    answer: str
    route: Route
    reason: str
    task_class: str
    model: str = ""
    provider: str = ""
    confidence: float | None = None
    latency: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: str | None = None
    currency: str = ""
    sources: tuple[str, ...] = ()
    patterns: tuple[int, ...] = ()
    session: str = ""
    ok: bool | None = None
    detail: str = ""
    """What was tried, one a line."""
    verdict: str = ""
    """``good``, ``bad``, ``corrected``; empty = nobody judged it."""
    judged_by: str = ""
    agreement: float | None = None
    """How far the model's answers agree, where that was measured."""
    judgements: int = 0
    """That the confidence was calibrated with; 0 = it is not calibrated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteList:
    """Questions, the newest first."""

    routes: tuple[Routed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One request as it left this machine; it was written down before."""

    id: int
    at: float
    interaction: int | None
    """Number of the question in the telemetry; None = it was not written down."""
    provider: str
    host: str
    """Host and port."""
    path: str
    size: int
    """Bytes of the body."""
    sha256: str
    """Of the exact body."""
    body: str
    """The body without its secrets."""
    outcome: str
    """``answered``, or why not; empty = how it ended is not known."""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundList:
    """What left, the newest first."""

    sent: tuple[Outbound, ...]


class BudgetState(Word):
    """How far a budget is used."""

    OK = "ok"
    WARNED = "warned"
    """80 % are used: this machine is asked first."""
    USED_UP = "used up"
    """Nobody elsewhere is asked."""
    UNKNOWN = "unknown"
    """What was spent cannot be told; nobody elsewhere is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent in one currency over a day or a month, in UTC."""

    currency: str
    period: str
    """``day`` or ``month``."""
    limit: str
    """An exact decimal number."""
    spent: str | None
    """What was spent and what running requests may still cost; None = not known."""
    state: BudgetState
    share: float | None = None
    """Of the limit; None = not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Whether anything may leave this machine."""

    locked: bool
    why: str
    """One sentence."""
    by: str = ""
    """Who set the switch; empty = nobody did."""
    at: float | None = None
    fixed: bool = False
    """The configuration says so; no switch opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRequest:
    """Close or open the way out."""

    locked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link of the chain that is gone through, in its order."""

    route: Route
    name: str
    ready: bool
    """It would be asked now, as far as is known without asking."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How the coordinator stands."""

    lock: Lock
    budgets: tuple[Budget, ...]
    chain: tuple[Step, ...]
    measure: str
    """When confidence is measured, as the configuration says it."""
    min_confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRequest:
    """How an answer was; one of the three says it, and they must not disagree."""

    interaction_id: int
    verdict: str = ""
    """``good``, ``bad`` or ``corrected``."""
    outcome: str = ""
    """``success`` or ``failure``."""
    user_feedback: float | None = None
    """-1 to 1; 0 judges nothing."""
    correction: str = ""
    """The answer as it should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One question on both routes, side by side. Neither answer is learned from as it stands."""

    of: int
    local: RouteAnswer
    remote: RouteAnswer | None
    """None = it was not asked; ``why`` says the reason."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A sum in one currency."""

    currency: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStats:
    """What the telemetry says of a stretch of time. What was not measured is None."""

    since: float
    total: int
    by_route: dict[str, int]
    by_class: dict[str, int]
    answered: int
    local_share: float | None
    """Answers from here (cache and local) of all answers; None = there was none."""
    latency_p50: float | None
    latency_p95: float | None
    tokens_in: int
    """As far as they were told."""
    tokens_out: int
    costs: tuple[Cost, ...]
    good: int
    bad: int
    """Bad and corrected."""
    not_judged: int
    calibrations: tuple[Calibration, ...] = ()
    """As of all judgements, whenever they were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRequest:
    """What belongs to a question of a conversation."""

    query: str
    session_id: str = ""
    """Empty = a new one is begun."""
    context_level: str = "standard"
    """``standard``, ``detailed`` or ``comprehensive``."""
    previous_context_ids: tuple[str, ...] = ()
    """Pieces that the asker has already."""
    max_tokens: int = 2_000
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextAnswer:
    """What was found for it."""

    context: str
    context_ids: tuple[str, ...]
    suggestions: tuple[str, ...]
    """Headings of what was found too and did not fit."""
    token_count: int | None
    """None = nothing here counts the tokens of the asker's model; ``characters`` is what was bounded."""
    characters: int
    collections_searched: tuple[str, ...]
    session_id: str
    turn_number: int
    """From 1: which question of the session this is."""
