"""What the room tells of: an interaction as it was measured, and what was learned for a question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a person, or a proof, judged an answer."""

    GOOD = "good"
    BAD = "bad"
    CORRECTED = "corrected"
    """The judge said what would have been right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One question and how it went, as it is written down. What was not measured is None."""

    source: str
    """``coordinator``, ``task`` or ``chat``."""
    event: str = "routed"
    subject: str = ""
    """What it belongs to, as ``task:12``."""
    session: str = ""
    query: str = ""
    answer: str = ""
    task_class: str = ""
    route: str = ""
    """``cache``, ``local``, ``remote`` or ``none``."""
    provider: str = ""
    model: str = ""
    reason: str = ""
    confidence: float | None = None
    """0 to 1."""
    agreement: float | None = None
    """How far the model's answers agree, from which the confidence was made."""
    judgements: int = 0
    """That the confidence was calibrated with; 0 = it is the agreement itself."""
    latency: float | None = None
    """Seconds."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: str | None = None
    """An exact decimal number of ``currency``."""
    currency: str = ""
    sources: tuple[str, ...] = ()
    patterns: tuple[int, ...] = ()
    ok: bool | None = None
    """None = it has not ended."""
    detail: str = ""
    consent: bool = False
    """May be trained on."""
    with_context: bool = False
    """The asker gave material beside the question: the answer belongs to that, and is learned for nobody else."""
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An interaction as it lies in the table."""

    id: int
    at: float
    interaction: Interaction
    verdict: Verdict | None = None
    """None = nobody judged it, which is not half good."""
    correction: str = ""
    judged_by: str = ""
    judged_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A learned answer to a question."""

    pattern: int
    answer: str
    similarity: float
    """1 = the same words; else the cosine of the two questions' vectors."""
    taught_by: tuple[int, ...]
    """Ids of the interactions."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What active patterns say about a question; empty where there are none."""

    prefer: str = ""
    """A route, ``local`` or ``remote``; empty = no wish."""
    prompt: str = ""
    """What the model is told beside the question."""
    patterns: tuple[int, ...] = ()
    why: str = ""
    """One sentence."""
