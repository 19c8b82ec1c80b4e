"""Alarms: what a rule found, what people said to it, and whether each rule and target is alive."""

from __future__ import annotations

from dataclasses import dataclass, field

from aistack_backend.wire.base import Word
from aistack_backend.wire.sources import Source


class Severity(Word):
    """How serious an alarm is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class AlertState(Word):
    """Where an alarm stands."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    """A person has seen it; it stays until it is over."""
    SNOOZED = "snoozed"
    """A person wants to hear of it later, if it still fires then."""
    SILENCED = "silenced"
    """The whole stack is held for maintenance: nobody is told."""
    RESOLVED = "resolved"
    """Its condition no longer holds."""
    UNKNOWN = "unknown"


class RuleState(Word):
    """What the last look found of a rule."""

    NEVER = "never measured"
    """Its series has not had a value since the backend began: it cannot fire."""
    GONE = "not measured now"
    """Its series had values and has none now: what it said last may be wrong."""
    QUIET = "quiet"
    """Measured, and the condition does not hold."""
    PENDING = "pending"
    """The condition holds, not yet as long as the rule wants."""
    FIRING = "firing"
    BROKEN = "broken"
    """Prometheus could not evaluate it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alarm, of one rule and one thing."""

    id: int
    source: str
    """``aistack``: a rule of ours; ``prometheus``: one of the stack's Prometheus."""
    rule: str
    severity: Severity
    labels: dict[str, str] = field(default_factory=dict)
    """What it is about, e.g. ``service``."""
    summary: str = ""
    value: float | None = None
    """As measured last; None = not told."""
    state: AlertState
    since: float
    """Since when the condition holds, as it was seen."""
    fired_at: float
    ended_at: float | None = None
    by: str = ""
    """Who acknowledged or snoozed it."""
    by_at: float | None = None
    until: float | None = None
    """Snoozed until then."""
    unmeasured_since: float | None = None
    """Since when its series has no value: whether it still holds is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStanding:
    """One rule and what the last look found of it."""

    name: str
    source: str
    condition: str
    """``aistack_host_disk_ratio > 0.95 for 1m``."""
    severity: Severity
    about: str = ""
    state: RuleState
    value: float | None = None
    """The worst of its series now; None = none has a value."""
    measured_at: float | None = None
    """When its series last had a value; None = never since the backend began."""
    detail: str = ""
    """Why it is broken; empty = it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place where the stack's Prometheus fetches numbers."""

    name: str
    ok: bool | None
    """None = it was not fetched yet."""
    at: float | None = None
    """When it was fetched last."""
    detail: str = ""
    """Why it is not well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertList:
    """The inbox, every rule and every target."""

    at: float | None = None
    """When the rules were looked at last; None = not yet."""
    alerts: tuple[Alert, ...] = ()
    """Those that are not over, worst and newest first, then the newest that are."""
    rules: tuple[RuleStanding, ...] = ()
    targets: tuple[Target, ...] = ()
    prometheus: Source | None = None
    """How the asking of the stack's Prometheus goes; None = nobody has asked yet."""
    maintenance: bool = False
    """The whole stack is held: alarms are kept, and nobody is told."""
    fault: str = ""
    """Why the rules cannot be used, with file and key; empty = they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeRequest:
    """A person's wish to hear of an alarm later."""

    minutes: int
    """1 to 10,080."""
