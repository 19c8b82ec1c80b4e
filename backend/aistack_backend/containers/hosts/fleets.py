"""The containers of this machine and of others as one fleet. Each machine has a watcher of its own: one that is slow
or away delays nobody."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from aistack_backend.bus import Publish
from aistack_backend.clock import Clock
from aistack_backend.containers.hosts.ssh import Said
from aistack_backend.containers.hosts.way import HostDown, Way, judged
from aistack_backend.containers.port import Podman
from aistack_backend.containers.service import HEX, PREFIXES, Containers, Side
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.wire.containers import Container, ContainerDetail, Fleet, LogBatch, RemoteHost, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.hosts import LOCAL, HostConfig
from aistack_backend.wire.sources import Source, SourceState

FRESH = 3.0
"""Seconds for which a machine's usage sample is told: they come each second."""


@dataclass(frozen=True, slots=True)
class Far:
    """Another machine: its settings, its Podman, and the way that leads there."""

    host: HostConfig
    podman: Podman
    way: Way
    socket: str = ""
    """The way's end here, which no person knows the machine by."""


@dataclass(frozen=True, slots=True)
class Inlet:
    """Where one machine's watcher publishes."""

    host: str
    take: Callable[[str, Topic, Any], None]

    def publish(self, topic: Topic, data: Any) -> None:
        """Hand it to the fleet of all."""
        self.take(self.host, topic, data)


class Fleets(Containers):
    """``Containers`` of several machines: a plain name or id is this machine's, ``host/`` before it another's."""

    def __init__(self, podman: Podman, bus: Publish, clock: Clock, others: Sequence[Far]) -> None:
        super().__init__(podman, Inlet("", self._take), clock)
        self._bus = bus
        self._now = clock.now
        self._lock = threading.Lock()
        self._usage: dict[str, UsageTable] = {}
        self._far = {far.host.name: far for far in others}
        self._there = {name: Containers(far.podman, Inlet(name, self._take), clock) for name, far in self._far.items()}

    def start(self) -> None:
        """Begin to watch every machine; returns at once."""
        super().start()
        for name, far in self._far.items():
            far.way.start(self._publish)
            self._there[name].start()

    def stop(self) -> None:
        """End every watcher, all at once, and every way."""
        with ThreadPoolExecutor(max_workers=len(self._far) + 1, thread_name_prefix="stop") as pool:
            waiting = [pool.submit(super().stop), *(pool.submit(self._stop, name) for name in self._far)]
        for one in waiting:
            one.result()

    def _stop(self, name: str) -> None:
        self._there[name].stop()
        self._far[name].way.stop()

    def fleet(self) -> Fleet:
        """Return this machine's newest list, those of the others behind it, and how each is doing; never blocks."""
        own = super().fleet()
        rows, hosts = list(own.containers), []
        for name, there in self._there.items():
            fleet, host = there.fleet(), self._far[name].host
            rows += [replace(row, host=name) for row in fleet.containers]
            source = self._source(name, fleet.source)
            hosts.append(RemoteHost(name=name, address=host.address, at=fleet.at, source=source))
        return replace(own, containers=tuple(rows), hosts=tuple(hosts))

    def nudge(self, ref: str = "") -> None:
        """See ``Containers.nudge``."""
        host, rest = _split(ref)
        (self._there[host].watcher if host in self._there else self.watcher).nudge(rest)

    def side(self, host: str = "") -> Side:
        """See ``Containers.side``."""
        if not host:
            return super().side()
        far = self._known(host)
        return Side(far.podman, far.host.address)

    async def detail(self, ref: str) -> ContainerDetail:
        """See ``Containers.detail``."""
        host, rest = _split(ref)
        if not host:
            return await super().detail(rest)
        found = await self._reached(host).detail(rest)
        return replace(found, container=replace(found.container, host=host))

    def resolve(self, ref: str) -> Container:
        """See ``Containers.resolve``.

        Raises:
            BadInput: a plain name that only other machines have; they are named.
            HostDown: the machine does not answer now; it is not waited for.
        """
        host, rest = _split(ref)
        if host:
            return replace(_found(self._reached(host), host, rest), host=host)
        try:
            return super().resolve(rest)
        except NotFound:
            if there := sorted(row.full_name for row in self.fleet().containers if row.host and _means(rest, row)):
                raise BadInput(
                    f"There is no container {rest!r} on this machine; other machines have {', '.join(there)}.",
                    f"Say the machine too, e.g. {there[0]}.",
                ) from None
            raise

    async def logs(
        self, ref: str, *, tail: int = 100, since: float | None = None, follow: bool = False
    ) -> AsyncGenerator[LogBatch, None]:
        """See ``Containers.logs``."""
        host, rest = _split(ref)
        held = self._reached(host).logs if host else super().logs
        async with aclosing(held(rest, tail=tail, since=since, follow=follow)) as batches:
            async for batch in batches:
                yield replace(batch, id=f"{host}/{batch.id}") if host else batch

    def _known(self, host: str) -> Far:
        far = self._far.get(host)
        if far is None:
            raise NotFound(f"There is no host {host!r} in the configuration.", f"There are: {', '.join(self._far)}.")
        return far

    def _reached(self, host: str) -> Containers:
        """Return the containers of a machine that answers now: one that does not must not keep callers waiting.

        Raises:
            NotFound: no machine of that name is configured. HostDown: it does not answer.
        """
        far, there = self._known(host), self._there[host]
        source = self._source(host, there.fleet().source)
        if source.state is not SourceState.OK:
            raise HostDown(Said(state=source.state, detail=source.detail, hint=source.hint), far.host)
        return there

    def _source(self, name: str, seen: Source) -> Source:
        far = self._far[name]
        link = far.way.link
        said = judged(far.host, link, seen.state, seen.detail, far.socket)
        since = seen.since if link.open else link.since
        return Source(
            name=f"host {name}",
            state=said.state,
            since=since,
            last_ok=seen.last_ok,
            tried=far.host.address,
            detail=said.detail,
            hint=said.hint,
        )

    def _publish(self) -> None:
        with self._lock:
            self._bus.publish(Topic.FLEET, self.fleet())

    def _take(self, host: str, topic: Topic, data: Any) -> None:
        if topic is Topic.FLEET:
            self._publish()
        elif topic is Topic.USAGE:
            rows = tuple(replace(row, id=f"{host}/{row.id}") for row in data.rows) if host else data.rows
            with self._lock:
                self._usage[host] = replace(data, rows=rows)
                fresh = [table for table in self._usage.values() if self._now() - table.at < FRESH]
                told = tuple(row for table in fresh for row in table.rows)
                self._bus.publish(topic, UsageTable(at=data.at, rows=told))
        else:
            self._bus.publish(topic, _named(host, data) if host else data)


def _split(ref: str) -> tuple[str, str]:
    """Return machine ("" = this one) and the rest of a reference."""
    host, slash, rest = ref.partition("/")
    if not slash:
        return "", ref
    return ("" if host == LOCAL else host), rest


def _found(there: Containers, host: str, ref: str) -> Container:
    try:
        return there.resolve(ref)
    except NotFound as error:
        raise NotFound(f"There is no container {ref!r} on {host}.", error.hint) from None


def _means(ref: str, row: Container) -> bool:
    return row.name in (ref, *(prefix + ref for prefix in PREFIXES)) or (
        HEX.fullmatch(ref) is not None and row.id.startswith(ref)
    )


def _named(host: str, data: Any) -> Any:
    """Return an activity in the words of its machine."""
    ref = f"{host}/{data.object_id}" if data.object_id else ""
    name = f"{host}/{data.object_name}" if data.object_name else ""
    return replace(data, text=f"{host}: {data.text}", object_id=ref, object_name=name)
