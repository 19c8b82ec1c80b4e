"""Who has to be asked: deny rules, then ask rules and the threshold, then allow rules (``facts/trust.md`` §1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.judgement import rank
from aistack_backend.errors import BadInput
from aistack_backend.wire.actions import Risk, Target

THRESHOLDS = ("none", "low", "medium", "high")
"""The lowest risk that needs a person; ``none``: only destructive actions and ask rules do."""
DEFAULT = "medium"
AUTOMATIC = frozenset({"self-heal", "self-heal:gave-up", "schedule"})
"""Requesters that act by themselves: no threshold lets them through, only a rule that names them does."""
_LIFTED = rank(Risk.MEDIUM)
"""The highest risk that an allow rule can let through unasked."""


class Effect(StrEnum):
    """What a rule, or the policy as a whole, says."""

    DENY = "deny"
    ASK = "ask"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the policy. ``kind``, ``target`` and ``requester`` match whole words, never prefixes; ``*`` matches
    all.

    An allow rule names kind and target exactly, and never lets high or destructive actions through. Without a
    requester it is not for those that act by themselves.
    """

    effect: Effect
    kind: str
    target: str = "*"
    """A target's name or full id, on another machine with ``host/`` before it. Deny and ask heed a plain id too."""
    why: str = ""
    requester: str = "*"
    """Who asks, exactly as the action record says."""

    def matches(self, action: Action) -> bool:
        """Whether it speaks about this action. Deny and ask: any target; allow: every target."""
        if self.kind not in ("*", action.kind) or not self._asked_by(action.requester):
            return False
        if self.target == "*":
            return True
        hits = [self._hits(target) for target in action.targets]
        return bool(hits) and (all(hits) if self.effect is Effect.ALLOW else any(hits))

    def _hits(self, target: Target) -> bool:
        return self.target in (target.name, target.ref) or (
            self.effect is not Effect.ALLOW and self.target == target.id
        )

    def words(self) -> str:
        """The rule as it is shown and recorded."""
        who = "" if self.requester == "*" else f" by {self.requester}"
        tail = f" ({self.why})" if self.why else ""
        return f"{self.effect}: rule {self.kind} {self.target}{who}{tail}"

    def _asked_by(self, requester: str) -> bool:
        if self.requester == "*":
            return self.effect is not Effect.ALLOW or requester not in AUTOMATIC
        return self.requester == requester


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says about one action, and by which rule."""

    effect: Effect
    rule: str
    lifts: bool = False
    """A person is asked only because of the threshold: a rule that a person made may let it through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPeople:
    """Which actions need the yes of two people, neither of whom asked."""

    risk: str = "off"
    """``off``, or the lowest risk that needs two: ``high`` or ``destructive``."""
    kinds: frozenset[str] = frozenset()
    """Kinds that need two whatever their risk."""
    named: bool = False
    """Operators have keys here: only a named one counts."""

    def needs(self, action: Action, risk: Risk) -> bool:
        """Whether this action needs two."""
        floor = self.risk != "off" and rank(risk) >= rank(Risk(self.risk))
        return floor or action.kind in self.kinds


class Policy:
    """Deny beats ask, ask beats allow; what is more specific never matters. Destructive always asks."""

    def __init__(self, threshold: str = DEFAULT, rules: Sequence[Rule] = (), two: TwoPeople | None = None) -> None:
        """Take the threshold and the rules.

        Raises:
            BadInput: the threshold is none of ``THRESHOLDS``, or a rule could never match or allows too much.
        """
        if threshold not in THRESHOLDS:
            raise BadInput(
                f"The approval threshold {threshold!r} is not known.", f"Use one of {', '.join(THRESHOLDS)}."
            )
        for rule in rules:
            _check(rule)
        self.threshold = threshold
        self.two = two or TwoPeople()
        self._given = tuple(rules)
        self._adopted: dict[str, tuple[Rule, ...]] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule that holds now."""
        return self._given + tuple(rule for rules in self._adopted.values() for rule in rules)

    def adopt(self, source: str, rules: Sequence[Rule]) -> bool:
        """Let these rules hold in place of the earlier ones of the same source; True when that changed something.

        Raises:
            BadInput: one of them could never match or allows too much; nothing was changed.
        """
        for rule in rules:
            _check(rule)
        if self._adopted.get(source, ()) == tuple(rules):
            return False
        self._adopted = {**self._adopted, source: tuple(rules)}  # readers on other threads see all or nothing
        return True

    def judge(self, action: Action, risk: Risk) -> Ruling:
        """Say whether the action is denied, needs a person, or may run unasked."""
        for effect in (Effect.DENY, Effect.ASK):
            if hit := self._first(effect, action):
                return Ruling(effect, hit.words())
        if self.two.needs(action, risk):
            return Ruling(Effect.ASK, "ask: two people")
        if rank(risk) >= rank(Risk.DESTRUCTIVE):
            return Ruling(Effect.ASK, f"ask: {risk} always needs a person")
        automatic = action.requester in AUTOMATIC
        if rank(risk) < self._floor() and not automatic:
            return Ruling(Effect.ALLOW, f"allow: below threshold {self.threshold}")
        if rank(risk) <= _LIFTED and (hit := self._first(Effect.ALLOW, action)):
            return Ruling(Effect.ALLOW, hit.words())
        why = f"no rule allows it to {action.requester}" if automatic else f"threshold {self.threshold}"
        return Ruling(Effect.ASK, f"ask: {why}", lifts=rank(risk) <= _LIFTED)

    def people(self, action: Action, risk: Risk) -> int:
        """Return how many people must say yes to what a person is asked for: 1 or 2."""
        return 2 if self.two.needs(action, risk) else 1

    def _floor(self) -> int:
        return rank(Risk.DESTRUCTIVE) if self.threshold == "none" else rank(Risk(self.threshold))

    def _first(self, effect: Effect, action: Action) -> Rule | None:
        return next((rule for rule in self.rules if rule.effect is effect and rule.matches(action)), None)


def _check(rule: Rule) -> None:
    if not rule.kind.strip() or not rule.target.strip() or not rule.requester.strip():
        raise BadInput(f"The policy rule {rule.words()!r} can never match.", "Name a kind, a target and who asks.")
    if rule.effect is Effect.ALLOW and "*" in (rule.kind, rule.target):
        raise BadInput(
            f"The policy rule {rule.words()!r} allows too much.", "An allow rule names one kind and one target."
        )
