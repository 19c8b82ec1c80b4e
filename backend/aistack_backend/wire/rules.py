"""Allow rules that a person makes from a request, and their rehearsal on past requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One scoped rule: what it lets through unasked, for whom, where and until when; never above medium risk."""

    id: int
    approval_id: int
    """The request that it was made from."""
    kind: str
    pattern: str
    """The words of the command, ``*`` for one word that is no flag; for other kinds the targets' full ids."""
    requester: str
    task_id: int | None = None
    """Only in this task; None: in any."""
    made_at: float
    made_by: str
    ends_at: float
    used: int = 0
    """Requests that it has let through."""
    ended: str = ""
    """Why it holds no more (``revoked by …``, ``its time is over``); empty = it holds."""
    never: str = ""
    """Why it can never match as things stand; empty = it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList:
    """The rules that hold, newest first, then the newest 50 that ended."""

    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRequest:
    """Wish for a rule, made from one request that a person looked at."""

    approval_id: int
    action_hash: str
    """Of what the person saw."""
    pattern: str = ""
    """For a shell command: its words with ``*`` where one word may differ; empty = exactly these words."""
    any_task: bool = False
    """In every task of the same requester; False: only in the task of the request."""
    seconds: float = 3600.0
    """How long it holds, at most a day."""
    rehearsed: str = ""
    """What the rehearsal gave; a rule that was not rehearsed is not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A past request that the rule would have let through."""

    approval_id: int
    task_id: int
    title: str
    state: str
    """What became of it; a denied one is a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a rule would have done to the newest past requests; nothing was made."""

    words: str
    """The rule as it would be listed."""
    tried: int
    passed: tuple[Passed, ...] = ()
    never: str = ""
    """Why it could never match; such a rule is not made."""
    rehearsed: str
    """To be sent back with the wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReport:
    """How people decided lately, the newest 1,000 decisions; an own action confirmed at once counts too."""

    decided: int
    approved: int
    median_seconds: float | None = None
    """From the question to the answer; None = nothing was decided."""
    quick_share: float | None = None
    """Share of the approvals that came within 2 s; None = nothing was approved."""
    last_minute: int | None = None
    """Requests of others that you approved within the last minute, or since you went on; None = nobody asked."""
    most: int = 0
    """How many make a pause; 0 = any number."""
    waiting: int = 0
    waiting_distinct: int = 0
    """How many of them differ in their hash."""
