"""What a role tells of its callers in its ``/metrics``, read with distrust: it may be any container's answer."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

REQUESTS = "aistack_role_caller_requests_total"
LAST_GOOD = "aistack_role_caller_last_good_seconds"
BEGAN = "aistack_role_start_time_seconds"
OTHERS = "others"
"""The caller under which a role counts those that it does not tell apart."""
KINDS = ("work", "check")
MOST = 100
"""Callers that are taken from one answer; a role tells fewer apart."""
LARGEST = 1e15
LINE = re.compile(r"^(aistack_role_\w+)\{([^{}]*)\} (\S+)$")
LABEL = re.compile(r'(\w+)="([^"\\]*)"')


class Untold(Exception):
    """The answer does not tell its callers; the text says why."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one caller was answered since the role began."""

    answers: Mapping[tuple[str, int], float]
    """By kind (``work``, ``check``) and status."""
    last_good: float | None = None


NONE = Counted({})


@dataclass(frozen=True, slots=True)
class Told:
    """One reading of a role's counters."""

    began: float
    """When the role's process began, by its own clock: another one is another process."""
    callers: Mapping[str, Counted] = field(default_factory=dict)
    """By address; ``OTHERS`` for the rest."""


def parse(text: str) -> Told:
    """Return what a role tells.

    Raises:
        Untold: it tells nothing of callers, or more than a role does.
    """
    began: float | None = None
    answers: dict[str, dict[tuple[str, int], float]] = {}
    good: dict[str, float] = {}
    for name, labels, value in _lines(text):
        if name == BEGAN:
            began = value
            continue
        caller = _caller(labels.get("caller", ""))
        if name == LAST_GOOD and caller:
            good[caller] = value
        status = labels.get("status", "")
        if name == REQUESTS and caller and labels.get("kind") in KINDS and re.fullmatch("[1-5][0-9][0-9]", status):
            answers.setdefault(caller, {})[labels["kind"], int(status)] = value
            if len(answers) > MOST:
                raise Untold(f"tells more than {MOST} callers apart")
    if began is None:
        raise Untold("does not count its callers; an older image may run")
    return Told(began, {caller: Counted(found, good.get(caller)) for caller, found in answers.items()})


def _lines(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for line in text.splitlines():
        if (found := LINE.match(line)) is None:
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        if math.isfinite(value) and 0 <= value < LARGEST:
            yield found[1], dict(LABEL.findall(found[2])), value


def _caller(word: str) -> str:
    """Return a caller as it is known here; empty = no address."""
    if word == OTHERS:
        return OTHERS
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return ""
