"""The edges of the stack, made of readings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.traffic.window import NOWHERE, Home, Rate, Reading, itself, outside, rate
from aistack_backend.wire.traffic import Answered, Edge

BAD = 400
"""The lowest status that is an error."""
LEFT = 499
"""The caller went away: neither good nor an error of what it asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was measured, by the service that answers."""

    readings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    """Why the last look at a role read nothing."""
    open: Mapping[str, tuple[float, Mapping[str, int]]] = field(default_factory=dict)
    """When its connections were looked at, and how many each address had."""
    homes: Mapping[str, Home] = field(default_factory=dict)
    good: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """When the second last answered the first well."""


def made(manifest: Manifest, seen: Seen) -> tuple[Edge, ...]:
    """Return every declared edge, and each other one that was seen to be used."""
    found = []
    for user in ("", *manifest.services):
        declared = {one.service for one in manifest.services[user].needs} if user else set()
        for need, service in manifest.services.items():
            if user == need:
                continue
            edge = replace(_edge(user, service, seen), declared=need in declared)
            if edge.declared or edge.requests or edge.connections:
                found.append(edge)
    return tuple(found)


def _edge(user: str, service: ServiceDecl, seen: Seen) -> Edge:
    edge = _connected(Edge(user=user, need=service.id, last_good=seen.good.get((user, service.id))), seen)
    readings = seen.readings.get(service.id, ())
    if why := _unread(user, service, seen):
        return replace(edge, why=why)
    return _rated(edge, outside(readings) if not user else rate(readings, user), readings[-1].at)


def _unread(user: str, service: ServiceDecl, seen: Seen) -> str:
    """Return why nothing can be said of requests; empty = something can."""
    if not service.extra.role:
        return f"{service.id} counts no callers."
    if not seen.readings.get(service.id):
        if service.id not in seen.homes and service.id not in seen.faults:
            return NOWHERE.format(service.id)
        fault = seen.faults.get(service.id, "has not been read yet")
        return f"The counters of {service.id} were not read: it {fault}."
    if user and user not in seen.homes:
        return NOWHERE.format(user)
    return ""


def _rated(edge: Edge, found: Rate, at: float) -> Edge:
    if found.answers is None:
        return replace(edge, at=at, why=found.why)
    codes = Counter[int]()
    for (_, status), count in found.answers.items():
        codes[status] += round(count)
    every, bad = codes.total(), sum(count for status, count in codes.items() if status >= BAD and status != LEFT)
    checks = sum(count for (kind, _), count in found.answers.items() if kind == "check")
    return replace(
        edge,
        requests=60 * every / found.seconds,
        checks=60 * checks / found.seconds,
        errors=bad / every if every else None,
        codes=tuple(Answered(status=status, count=count) for status, count in sorted(codes.items())),
        window=found.seconds,
        at=at,
    )


def _connected(edge: Edge, seen: Seen) -> Edge:
    if (looked := seen.open.get(edge.need)) is None:
        return edge
    at, peers = looked
    if edge.user:
        home = seen.homes.get(edge.user)
        return edge if home is None else replace(edge, connections=_count(peers, home.addresses), connections_at=at)
    known = {one for home in seen.homes.values() for one in home.addresses}
    strangers = [one for one in peers if one not in known and not itself(one)]
    return replace(edge, connections=_count(peers, strangers), connections_at=at)


def _count(peers: Mapping[str, int], addresses: Iterable[str]) -> int:
    return sum(peers.get(one, 0) for one in addresses)
