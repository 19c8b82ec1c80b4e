"""What is measured now, as readings: from the newest snapshots on the bus, and by counting rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.observe.counted import counted
from aistack_backend.observe.metrics import Reading
from aistack_backend.store.database import Database
from aistack_backend.wire.containers import Fleet, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_backend.wire.providers import ProviderList
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import ServiceState, Stack
from aistack_backend.wire.status import Status
from aistack_backend.wire.traffic import Edge

FINE = (ServiceState.OK, ServiceState.DEGRADED)
UNTOLD = (SourceState.UNKNOWN, SourceState.CONNECTING, SourceState.ABSENT)
"""States of a source that say neither that it answers nor that it does not."""
OLD = 60.0
"""Seconds after which a sample of the machine or of containers is no measurement of now."""
More = Callable[[], Iterable[Reading]]


class Measured:
    """``now`` blocks on SQL; from any thread. What cannot be read is absent."""

    def __init__(self, database: Database, bus: Bus, clock: Clock, more: Iterable[More] = ()) -> None:
        """``more``: what other parts measure."""
        self._database, self._bus, self._clock, self._more = database, bus, clock, tuple(more)

    def now(self) -> tuple[Reading, ...]:
        """Return every reading there is."""
        now, latest = self._clock.now(), self._bus.latest
        return tuple(
            chain(
                _status(latest(Topic.STATUS)),
                counted(self._database, now),
                _model(latest(Topic.MODEL)),
                _stack(latest(Topic.STACK), now),
                _host(latest(Topic.HOST), now),
                _usage(latest(Topic.USAGE), latest(Topic.FLEET), now),
                *(one() for one in self._more),
            )
        )


def _status(status: Status | None) -> Iterator[Reading]:
    if status is None:
        return
    yield Reading("aistack_backend_start_time_seconds", status.started_at)
    for one in status.sources:
        if one.state not in UNTOLD:
            yield Reading("aistack_source_ok", float(one.state is SourceState.OK), {"source": one.name})


def _model(model: ModelStatus | None) -> Iterator[Reading]:
    if model is None or model.engine not in (EngineState.READY, EngineState.BUSY):
        return
    yield Reading("aistack_model_waiting", model.waiting)
    if model.tokens_per_second is not None:
        yield Reading("aistack_model_tokens_per_second", model.tokens_per_second, {"model": model.model})
    if model.memory is not None:
        yield Reading("aistack_model_memory_bytes", model.memory)


def _stack(stack: Stack | None, now: float) -> Iterator[Reading]:
    if stack is None or stack.at is None:
        return
    for state in ServiceState:
        found = sum(one.state is state for one in stack.services)
        if found:
            yield Reading("aistack_services", found, {"state": state.value})
    for one in stack.services:
        if one.state in FINE or one.state is ServiceState.BAD:
            yield Reading("aistack_service_ok", float(one.state in FINE), {"service": one.id})
        yield from (Reading("aistack_service_needs", 1, {"service": one.id, "needs": each}) for each in one.depends_on)
    yield from (reading for one in stack.edges for reading in _edge(one))
    causes = sum(one.state is ServiceState.BAD and not one.root_cause for one in stack.services)
    yield Reading("aistack_service_causes", causes)
    if stack.last_backup is not None:
        yield Reading("aistack_backup_age_seconds", max(0.0, now - stack.last_backup))


def _edge(edge: Edge) -> Iterator[Reading]:
    labels = {"service": edge.user or "nobody", "needs": edge.need}
    told = (
        ("requests_per_minute", edge.requests),
        ("checks_per_minute", edge.checks),
        ("error_ratio", edge.errors),
        ("last_good_seconds", edge.last_good),
        ("connections", edge.connections),
    )
    yield from (Reading(f"aistack_edge_{name}", value, labels) for name, value in told if value is not None)


def _host(host: HostSample | None, now: float) -> Iterator[Reading]:
    if host is None or now - host.at > OLD:
        return
    if host.cpu_percent is not None:
        yield Reading("aistack_host_cpu_ratio", host.cpu_percent / 100)
    if host.load is not None:
        yield Reading("aistack_host_load1", host.load[0])
    if host.memory_used is not None and host.memory_total:
        yield Reading("aistack_host_memory_used_bytes", host.memory_used)
        yield Reading("aistack_host_memory_total_bytes", host.memory_total)
        yield Reading("aistack_host_memory_ratio", host.memory_used / host.memory_total)
    for disk in host.disks:
        if disk.total:
            yield Reading("aistack_host_disk_ratio", disk.used / disk.total, {"disk": disk.label})
            yield Reading("aistack_host_disk_free_bytes", disk.total - disk.used, {"disk": disk.label})
    for direction, rate in (("in", host.net_in_rate), ("out", host.net_out_rate)):
        if rate is not None:
            yield Reading("aistack_host_network_bytes_per_second", rate, {"direction": direction})


def _usage(table: UsageTable | None, fleet: Fleet | None, now: float) -> Iterator[Reading]:
    if table is None or fleet is None or now - table.at > OLD:
        return
    names = {one.ref: one.full_name for one in fleet.containers}
    for one in table.rows:
        if (name := names.get(one.id)) is None:
            continue
        if one.cpu_percent is not None:
            yield Reading("aistack_container_cpu_ratio", one.cpu_percent / 100, {"container": name})
        if one.memory is not None:
            yield Reading("aistack_container_memory_bytes", one.memory, {"container": name})
        for direction, count in (("in", one.net_in), ("out", one.net_out)):
            if count is not None:
                labels = {"container": name, "direction": direction}
                yield Reading("aistack_container_network_bytes_total", count, labels)


def providers(found: ProviderList) -> Iterator[Reading]:
    """Return what was had of endpoints elsewhere since the start."""
    for one in found.providers:
        use, name = one.since_start, {"provider": one.name}
        yield Reading("aistack_provider_answers_total", use.answers, name)
        yield Reading("aistack_provider_failures_total", use.failures, name)
        if use.counted:
            yield Reading("aistack_provider_tokens_total", use.tokens_in, {**name, "direction": "in"})
            yield Reading("aistack_provider_tokens_total", use.tokens_out, {**name, "direction": "out"})
