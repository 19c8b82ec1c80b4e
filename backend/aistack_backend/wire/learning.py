"""What was learned from what was asked: patterns, their trials, runs, and samples for training."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word


class PatternKind(Word):
    """What a pattern changes."""

    ANSWER = "answer"
    """A question that means the same gets the learned answer, without a model."""
    ROUTE = "route"
    """Questions of a class go by this route first."""
    PROMPT = "prompt"
    """A model that is asked a question of a class is told this beside it."""
    UNKNOWN = "unknown"


class PatternState(Word):
    """Where a pattern stands; only an active one changes anything."""

    CANDIDATE = "candidate"
    """It was not tried yet, or has too few held-out cases, or did no better on them."""
    ACTIVE = "active"
    QUARANTINED = "quarantined"
    """Judgements of its uses, or its origin, hold it back; a person may let it be tried again."""
    ROLLED_BACK = "rolled back"
    """A person took it back; the same lessons never make it again."""
    UNKNOWN = "unknown"


class SampleState(Word):
    """Where a sample stands; only accepted ones are exported."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DROPPED = "dropped"
    UNKNOWN = "unknown"


class Judgement(Word):
    """How an answer is judged."""

    GOOD = "good"
    BAD = "bad"
    CORRECTED = "corrected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an interaction's value is made of, each from 0 to 1; None = not known."""

    outcome: float | None = None
    """1 = it ended well, 0 = it failed."""
    feedback: float | None = None
    """1 = judged good, or corrected; 0 = bad. Not judged is None."""
    reusability: float | None = None
    """How often the same was asked by others: 1 from the third time on."""
    complexity: float | None = None
    """By the words of question and answer: 1 from 200 on."""
    novelty: float | None = None
    """How far it is from the nearest pattern that was known before."""
    value: float | None = None
    """The weighted sum; None = not finished or not judged, so nothing is learned from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One interaction, as far as learning goes."""

    id: int
    at: float
    source: str
    query: str
    answer: str
    route: str = ""
    task_class: str = ""
    ok: bool | None = None
    judgement: str = ""
    """``good``, ``bad`` or ``corrected``; empty = nobody judged it."""
    correction: str = ""
    judged_by: str = ""
    held_out: bool = False
    """It is kept for trials and teaches nothing."""
    parts: Parts = Parts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A pattern before and after, on interactions that taught it nothing."""

    at: float
    cases: int
    """Held-out interactions that it speaks to, and of which it is known what was right."""
    before: int
    """Of them right as they went."""
    after: int
    """Of them right with the pattern."""
    seconds_before: float | None = None
    """Median; None = not measured."""
    seconds_after: float | None = None
    cost_before: str | None = None
    cost_after: str | None = None
    passed: bool
    detail: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One thing that was learned."""

    id: int
    kind: PatternKind
    question: str
    """What it speaks to: a question, or a class of them."""
    task_class: str = ""
    says: str
    """The answer, the route, or what the model is told."""
    sources: tuple[str, ...] = ()
    state: PatternState
    reason: str = ""
    """Why it is in this state, in one sentence."""
    origin: str = ""
    """The installation that taught it; empty = this one."""
    value: float | None = None
    """Mean of the values of what taught it."""
    created_at: float
    changed_at: float
    uses: int = 0
    wins: int = 0
    """Uses that were judged good."""
    losses: int = 0
    """Uses that were judged bad or corrected."""
    taught: int = 0
    """Interactions that taught it."""
    taught_from: str = ""
    """Where they came from, as ``9 coordinator, 1 task``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternList:
    """Patterns: active, quarantined, candidates, rolled back; in each the newest change first."""

    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternDetail:
    """A pattern with what taught it and how it was tried."""

    pattern: Pattern
    lessons: tuple[Lesson, ...] = ()
    trials: tuple[Trial, ...] = ()
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A question and an answer that a model may be trained on, once a person has accepted it."""

    id: int
    interaction_id: int | None = None
    origin: str = ""
    question: str
    """Without secrets and personal data, as the answer."""
    answer: str
    task_class: str = ""
    redactions: int = 0
    """How much was taken out."""
    value: float | None = None
    state: SampleState
    edited: bool = False
    made_at: float
    reviewed_by: str = ""
    reviewed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleList:
    """Samples, the oldest waiting first, and how many there are of each state in all."""

    samples: tuple[Sample, ...] = ()
    waiting: int = 0
    accepted: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One round of learning."""

    id: int
    began_at: float
    by: str
    """``timer``, or who asked for it."""
    took: float | None = None
    """Seconds; None = it goes on."""
    read: int = 0
    """Finished and judged interactions that were new to it."""
    taught: int = 0
    """Of them what is good enough to learn from."""
    made: int = 0
    activated: int = 0
    collected: int = 0
    """Patterns of low value and duplicates that were removed."""
    samples: int = 0
    """New in the review queue."""
    ok: bool | None = None
    """None = it goes on."""
    detail: str = ""
    """Why it failed; empty = it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What telemetry tells of a stretch of time; a share is None where there was nothing to count."""

    since: float
    until: float
    interactions: int
    success: float | None = None
    """Of those that ended: the share that ended well."""
    local: float | None = None
    """Of those that were answered: the share that the local model or a learned answer answered."""
    cache: float | None = None
    """Of those that were answered: the share of learned answers."""
    good: int = 0
    bad: int = 0
    """Judged bad or corrected."""
    p95: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningStatus:
    """How learning stands: also the event ``learning``."""

    enabled: bool
    paused: bool
    interval: float
    """Seconds between two runs."""
    next_run: float | None = None
    """None = no run is due: off, or paused."""
    threshold: int
    """Samples that a dataset should have."""
    interactions: int = 0
    """Rows of telemetry in all."""
    judged: int = 0
    weeks: tuple[Trend, ...] = ()
    """The last 7 days, then the 7 before."""
    months: tuple[Trend, ...] = ()
    """The last 30 days, then the 30 before."""
    days: tuple[Trend, ...] = ()
    """Each of the last 30 days, the oldest first."""
    patterns: tuple[Pattern, ...] = ()
    """As in ``PatternList``, at most 200."""
    review: SampleList = SampleList()
    """At most 50 that wait."""
    runs: tuple[Run, ...] = ()
    """The last 20, the newest first."""
    model: str = ""
    """Whose vectors tell what means the same; empty = by words alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackRequest:
    """Take a pattern back."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEdit:
    """A sample as it should be; it is cleaned again and accepted."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRequest:
    """A person's judgement of an answer."""

    judgement: Judgement
    correction: str = ""
    """What would have been right; only with ``corrected``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRequest:
    """Write the accepted samples to a file of the backend's machine."""

    path: str
    """Absolute; a manifest comes beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset that was written."""

    path: str
    manifest: str
    """The path of the manifest."""
    count: int
    sha256: str
    threshold: int
