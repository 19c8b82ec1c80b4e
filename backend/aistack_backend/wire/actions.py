"""Actions, approvals and decisions as the operator meets them."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Raw, Word

NOTHING = Raw("")
GO_ON = "go on"
"""The words of the deliberate step after a pause."""


class Risk(Word):
    """Decided by rules on the structured action before it runs; what cannot be judged is HIGH."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    DESTRUCTIVE = "destructive"
    """Data loss or a change of the gate itself: two people, or a typed name and 60 s of cooling off (R1.14)."""
    UNKNOWN = "unknown"
    """A word of a newer backend: the console treats it as the highest."""


class ApprovalState(Word):
    """Where an approval stands. Every state but PENDING and APPROVED is final."""

    PENDING = "pending"
    APPROVED = "approved"
    """Decided yes, not started yet."""
    USED = "used"
    """Its one use has begun; the outcome is in the task."""
    DENIED = "denied"
    EXPIRED = "expired"
    """Nobody decided in time: counts as no."""
    STALE = "stale"
    """Approved but not started in time, or the backend restarted in between."""
    SUPERSEDED = "superseded"
    """Replaced by an edited revision."""
    MISMATCH = "mismatch"
    """What would have run was no longer what was approved; nothing ran."""
    UNKNOWN = "unknown"


class Verdict(Word):
    """A person's answer."""

    APPROVE = "approve"
    DENY = "deny"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an action touches, pinned so that a changed object is refused."""

    type: str
    """``container``, ``volume``, ``image``."""
    id: str
    name: str
    pin: str = ""
    """What must still be true at execution, e.g. the container's StartedAt and config hash."""
    host: str = ""
    """The other machine that it is on; empty = this one. The name then begins with it, ``host/name``."""

    @property
    def ref(self) -> str:
        """Its id with its machine before it, ``host/id``; of this machine the id alone."""
        return f"{self.host}/{self.id}" if self.host else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is known around an action, with where it is from and when it was measured."""

    name: str
    """``blast radius``, ``backup``, ``dry run``, ``retry``."""
    text: str
    """One sentence, or several lines."""
    source: str = ""
    at: float | None = None
    """When it was measured; None = it is not measured but follows from the action itself."""
    known: bool = True
    """False: it is not known, and the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request for a decision, bound to exactly one action."""

    id: int
    task_id: int
    revision: int = 1
    state: ApprovalState
    risk: Risk
    risk_reasons: tuple[str, ...] = ()
    """The rules that set the risk, most serious first."""
    kind: str
    """``container.restart``, ``volume.remove``, ``shell.run`` …"""
    title: str
    """One line, e.g. ``restart container web``."""
    argv: tuple[str, ...] = ()
    """The exact command, or its equivalent for an API call."""
    script: str = ""
    """The full text for a shell action."""
    cwd: str = ""
    user: str = ""
    image: str = ""
    targets: tuple[Target, ...] = ()
    effect: str = ""
    """What it will change, measured when it was asked (sizes, dependants)."""
    undo: str = ""
    """How to undo it, or ``none``."""
    facts: tuple[Fact, ...] = ()
    """What else is known around it: who is hit, backups, a dry run, what changed since it was last refused."""
    agent_says: str = ""
    """The asker's own words; shown apart, never trusted."""
    requester: str = ""
    """``agent:planner``, ``operator:root`` …"""
    via: str = ""
    created_at: float
    expires_at: float
    """Undecided by then = no."""
    ready_at: float = 0.0
    """Not decidable before this (cooling off of destructive actions on a one-operator host)."""
    action_hash: str
    code: str = ""
    """Four characters of the hash that must be typed for HIGH; empty when none is needed."""
    typed_name: str = ""
    """For DESTRUCTIVE: the object name that must be typed; empty when none is needed."""
    rule: str = ""
    """The policy rule that asks, allows or denies, e.g. ``ask: threshold medium``."""
    people: int = 1
    """How many people must say yes; with 2, neither may have asked for it."""
    first_by: str = ""
    """Of two: who has said yes first; empty = nobody yet."""
    first_at: float | None = None
    paused: str = ""
    """Why no request of its task is approved now without a deliberate step (``GoOnRequest``); empty = it is."""
    decided_at: float | None = None
    decided_by: str = ""
    decided_via: str = ""
    reason: str = ""
    payload: Raw = NOTHING
    """The canonical action record (JSON), byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRequest:
    """A person's decision on an approval, as sent by console or command line."""

    verdict: Verdict
    action_hash: str
    """Of what the person saw; another hash is refused."""
    reason: str = ""
    """Mandatory when denying."""
    code: str = ""
    typed_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoOnRequest:
    """A person's deliberate step after a pause: too much was approved, or asked, within a minute."""

    words: str
    """``go on``, typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """Another text in place of what a pending ``shell.run`` would run: a new request, judged and decided anew."""

    action_hash: str
    """Of what the person saw; another hash is refused."""
    script: str
    """The whole new text, byte for byte what runs when it is approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """Ask for one action on one object. From a person with ``confirmed_hash`` it is decided at once."""

    kind: str
    target: str = ""
    """A container or volume: full id, unique id prefix, or name; ``host/`` before it for one of another machine."""
    script: str = ""
    """For ``shell.run``: the text of the command."""
    reason: str = ""
    confirmed_hash: str = ""
    """The action hash that the person saw in a preview and confirmed; empty = ask in the queue."""
    code: str = ""
    typed_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRequest:
    """Ask for something in words; an agent proposes the action, a person decides."""

    text: str
    planner: str = "auto"
    """``auto`` (model, then rules), ``model`` or ``rules``."""
    require_approval: bool = False
    """Ask a person whatever the risk; False leaves it to the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalList:
    """Every pending approval, nearest deadline first, then the newest 50 decided ones."""

    approvals: tuple[Approval, ...] = ()
