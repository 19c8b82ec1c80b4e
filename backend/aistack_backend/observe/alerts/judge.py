"""What the rules say of the readings of one moment. It remembers since when a condition holds, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aistack_backend.observe.alerts.rules import Rule
from aistack_backend.observe.metrics import Reading
from aistack_backend.wire.alerts import RuleStanding, RuleState

SOURCE = "aistack"
Key = tuple[str, tuple[tuple[str, str], ...]]
"""A rule's name and the labels of the thing that it found."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A condition that holds."""

    rule: Rule
    labels: Mapping[str, str]
    value: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one look found."""

    firing: Mapping[Key, Holding] = field(default_factory=dict)
    """Conditions that hold for as long as their rule wants."""
    measured: frozenset[str] = frozenset()
    """Rules whose series has a value."""
    standing: tuple[RuleStanding, ...] = ()


class Judge:
    """Belongs to one thread at a time."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._since: dict[Key, float] = {}
        self._seen: dict[str, float] = {}

    def remember(self, rule: str, labels: Mapping[str, str], since: float) -> None:
        """Take in what fired before a restart: it does not have to hold for its time again."""
        self._since[rule, tuple(sorted(labels.items()))] = since

    def look(self, readings: Sequence[Reading], now: float) -> Judged:
        """Hold every rule against the readings."""
        firing: dict[Key, Holding] = {}
        held: dict[Key, float] = {}
        standing, measured = [], set()
        for rule in self.rules:
            found = [one for one in readings if rule.concerns(one)]
            if found:
                measured.add(rule.name)
                self._seen[rule.name] = now
            state = RuleState.QUIET if found else RuleState.GONE if rule.name in self._seen else RuleState.NEVER
            for one in found:
                if not rule.holds(one.value):
                    continue
                key = (rule.name, tuple(sorted(one.labels.items())))
                held[key] = since = self._since.get(key, now)
                long_enough = now - since >= rule.seconds
                if long_enough:
                    firing[key] = Holding(rule, one.labels, one.value, since)
                state = RuleState.FIRING if long_enough or state is RuleState.FIRING else RuleState.PENDING
            standing.append(self._standing(rule, state, found))
        self._since = {**self._kept(measured), **held}
        return Judged(firing=firing, measured=frozenset(measured), standing=tuple(standing))

    def _kept(self, measured: set[str]) -> dict[Key, float]:
        """Return what held when its series last had a value: a gap in the measuring does not begin it anew."""
        return {key: since for key, since in self._since.items() if key[0] not in measured}

    def _standing(self, rule: Rule, state: RuleState, found: Sequence[Reading]) -> RuleStanding:
        values = [one.value for one in found]
        worst = None if not values else min(values) if rule.sign.startswith("<") else max(values)
        return RuleStanding(
            name=rule.name,
            source=SOURCE,
            condition=rule.condition,
            severity=rule.severity,
            about=rule.about,
            state=state,
            value=worst,
            measured_at=self._seen.get(rule.name),
        )
