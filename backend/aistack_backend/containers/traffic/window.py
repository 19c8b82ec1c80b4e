"""Rates from the differences of readings. Pure: a counter that falls or a process that is new is no difference."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aistack_backend.containers.traffic.told import NONE, OTHERS, Told

FIRST = "It was read once; a rate needs two readings."
MOVED = "Its address is new; a rate needs two readings of it."
MANY = "Too many callers came at once to tell this one apart."
NOWHERE = "{} has no address here: it does not run in a container of this stack."


@dataclass(frozen=True, slots=True)
class Home:
    """Where a service was at a reading."""

    run: str
    """Names one run of its container."""
    addresses: frozenset[str]
    """At least one, and no other service's."""
    began: float | None = None
    """When that run began, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a role, with where every service was."""

    mono: float
    """By a clock that never jumps."""
    at: float
    told: Told
    homes: Mapping[str, Home]


@dataclass(frozen=True, slots=True)
class Rate:
    """What was counted of one caller; ``why`` when nothing could be."""

    seconds: float = 0.0
    answers: Mapping[tuple[str, int], float] | None = None
    why: str = ""


def rate(readings: Sequence[Reading], user: str) -> Rate:
    """Return what a service asked over the readings, oldest first."""
    why, seconds, total = FIRST, 0.0, Counter[tuple[str, int]]()
    for before, after in pairwise(readings):
        home = after.homes.get(user)
        if home is None:
            why = NOWHERE.format(user)
        elif before.homes.get(user) != home:
            why = MOVED
        elif before.told.began != after.told.began:
            why = FIRST
        elif home.addresses.isdisjoint(after.told.callers) and _grew(before, after, OTHERS) is not None:
            why = MANY
        elif (grown := _sum(_grown(before, after, one) for one in home.addresses)) is not None:
            seconds, total = seconds + after.mono - before.mono, total + grown
    if readings and user not in readings[-1].homes:
        return Rate(why=NOWHERE.format(user))
    return Rate(seconds, total) if seconds > 0 else Rate(why=why)


def outside(readings: Sequence[Reading]) -> Rate:
    """Return what all those asked who are no service of the stack; not the service itself."""
    seconds, total = 0.0, Counter[tuple[str, int]]()
    for before, after in pairwise(readings):
        if before.told.began != after.told.began:
            continue
        known = _known(before) | _known(after)
        strangers = [one for one in after.told.callers if one not in known and not itself(one)]
        seconds += after.mono - before.mono
        for one in strangers:
            total += _grown(before, after, one) or Counter()
    return Rate(seconds, total) if seconds > 0 else Rate(why=FIRST)


def itself(address: str) -> bool:
    """Whether an address is a container's own loopback: its health command asks from there."""
    return address != OTHERS and ipaddress.ip_address(address).is_loopback


def good(reading: Reading, user: str) -> float | None:
    """Return when a service was last answered well, None when that was before its present run."""
    home = reading.homes.get(user)
    if home is None:
        return None
    times = (reading.told.callers.get(one, NONE).last_good for one in home.addresses)
    since = home.began or 0.0
    return max((one for one in times if one is not None and since <= one <= reading.at + 1), default=None)


def _known(reading: Reading) -> set[str]:
    return {one for home in reading.homes.values() for one in home.addresses}


def _grew(before: Reading, after: Reading, caller: str) -> Counter[tuple[str, int]] | None:
    """Return what was added for a caller, None when nothing was."""
    grown = _grown(before, after, caller)
    return grown if grown is None or grown.total() else None


def _grown(before: Reading, after: Reading, caller: str) -> Counter[tuple[str, int]] | None:
    """Return what was added between two readings, None when a counter fell: it was begun anew between them."""
    old, new = before.told.callers.get(caller, NONE).answers, after.told.callers.get(caller, NONE).answers
    if any(new.get(key, 0.0) < value for key, value in old.items()):
        return None
    return Counter({key: round(value - old.get(key, 0.0)) for key, value in new.items() if value > old.get(key, 0.0)})


def _sum(found: Iterable[Counter[tuple[str, int]] | None]) -> Counter[tuple[str, int]] | None:
    total = Counter[tuple[str, int]]()
    for one in found:
        if one is None:
            return None
        total += one
    return total
