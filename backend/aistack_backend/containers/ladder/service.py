"""The stack's health, kept current: a look at once when a container changes, and a pass over all now and then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.ladder.facts import Measured
from aistack_backend.containers.ladder.past import Past
from aistack_backend.containers.ladder.snapshot import Around, snapshot
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.place import ManifestError
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.containers.traffic.service import Traffic
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Service, ServiceState, Stack

log = logging.getLogger(__name__)
AT_ONCE = 2
"""Services measured at the same time: a health command costs 130 ms of the machine."""
TICK = 0.25
"""Seconds between two looks at the fleet."""
AGES = 5.0
"""Seconds after which the times of unchanged checks are told anew."""
SOON = 2.0
"""Seconds between two looks at a service that is starting or bad."""


class StackService:
    """Measures every declared service and publishes STACK on change."""

    def __init__(
        self,
        source: ManifestSource,
        climber: Climber,
        bus: Bus,
        clock: Clock,
        around: Callable[[Manifest], Around],
        poll: float = 15.0,
    ) -> None:
        """``around``: what is known beside the ladder (holds, heal's words, external services, drift)."""
        self._source = source
        self._climber = climber
        self._bus = bus
        self._clock = clock
        self._around = around
        self._poll = poll
        self._traffic = Traffic(clock)
        self._lock = threading.RLock()
        self._measured: dict[str, Measured] = {}
        self._past: dict[str, Past] = {}
        self._since: dict[str, tuple[ServiceState, float, bool]] = {}
        self._seen: dict[str, object] = {}
        self._due: dict[str, float] = {}
        self._busy: set[str] = set()
        self._aged = 0.0
        self._state = (SourceState.CONNECTING, clock.now())
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="ladder")
        self._news = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="ladder-news")
        self._thread = threading.Thread(target=self._run, name="stack", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; waits at most three seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(3.0)
        for pool in (self._pool, self._news):
            pool.shutdown(wait=False, cancel_futures=True)

    def check(self, ids: Iterable[str] = ()) -> Stack:
        """Measure these services (none named = all) now, publish, and return what was found; blocks.

        Raises:
            ManifestError: the file cannot be used.
        """
        manifest = self._source.get()
        wanted = [key for key in manifest.services if key in set(ids)] or list(manifest.services)
        for key, found in zip(wanted, self._pool.map(lambda one: self._climb(manifest, one), wanted), strict=True):
            self._take(key, found)
        return self.publish()

    def look(self) -> None:
        """Look at the traffic between the services, and publish; blocks for some seconds at most.

        Raises:
            ManifestError: the file cannot be used.
        """
        with self._lock:
            measured = dict(self._measured)
        self._traffic.look(self._source.get(), measured)
        self.publish()

    def publish(self) -> Stack:
        """Publish the stack if it changed, and return it."""
        with self._lock:
            made = self._make()
            before: Stack | None = self._bus.latest(Topic.STACK)
            if before is None or _told(made) != _told(before):
                self._bus.publish(Topic.STACK, made)
            return made

    def _run(self) -> None:
        while not self._stopping.wait(TICK):
            try:
                self._look()
            except ManifestError:
                self.publish()
            except Exception:  # what breaks once must not end the watch
                log.exception("the stack's watch broke; it goes on")

    def _look(self) -> None:
        manifest = self._source.get()
        fleet: Fleet | None = self._bus.latest(Topic.FLEET)
        now = self._clock.mono()
        by_name = {one.name: one for one in fleet.local} if fleet else {}
        answers = fleet is not None and fleet.source.state is SourceState.OK
        for key, service in manifest.services.items():
            one = by_name.get(service.container)
            seen = (answers, one and (one.id, one.state, one.started_at, one.finished_at))
            changed = self._seen.get(key, "") != seen
            if key not in self._busy and (changed or self._due.get(key, 0.0) <= now):
                self._seen[key] = seen  # not while it is busy: the climb under way may have looked before the change
                self._begin(manifest, key, self._news if changed else self._pool)
        if now - self._aged > AGES:  # a check that hangs publishes nothing, and what it was to renew grows old
            self._aged = now
            self.publish()
        for gone in set(self._measured) - set(manifest.services):
            with self._lock:
                for kept in (self._measured, self._past, self._since):
                    kept.pop(gone, None)

    def _begin(self, manifest: Manifest, key: str, pool: ThreadPoolExecutor) -> None:
        """Have a service measured; news has threads of its own, so that it waits for no pass over what hangs."""
        self._busy.add(key)

        def work() -> None:
            try:
                self._take(key, self._climb(manifest, key))
                self.publish()
            except Exception:
                log.exception("measuring %s broke", key)
            finally:
                self._busy.discard(key)

        pool.submit(work)

    def _climb(self, manifest: Manifest, key: str) -> Measured:
        return self._climber.measure(manifest.services[key])

    def _take(self, key: str, found: Measured) -> None:
        with self._lock:
            self._measured[key] = found
            self._past[key] = self._past.get(key, Past()).then(found)
            restless = not found.facts.known or any(rung.state.value in ("fail", "unknown") for rung in found.rungs[1:])
            self._due[key] = self._clock.mono() + (min(SOON, self._poll) if restless else self._poll)

    def _make(self) -> Stack:
        now = self._clock.now()
        try:
            manifest = self._source.get()
        except ManifestError as error:
            return self._faulty(error, now)
        around = self._around(manifest)
        well = {key for key, past in self._past.items() if past.well}
        rows = snapshot(manifest, self._measured, around, now, age_limit=3 * self._poll, well=well)
        rows = tuple(self._dated(row, now) for row in rows)
        at = max((rung.at for row in rows for rung in row.rungs if rung.at is not None), default=None)
        return Stack(
            at=at,
            source=self._told_source(SourceState.OK, "", now),
            file=" ".join(manifest.files),
            tiers=tuple(manifest.tiers),
            services=rows,
            hold=around.hold,
            poll=self._poll,
            backups=around.backups.count if around.backups else None,
            last_backup=around.backups.newest.at if around.backups else None,
            backup_verified=around.backups.newest.verified_at if around.backups else None,
            edges=self._traffic.now(manifest),
        )

    def _dated(self, row: Service, now: float) -> Service:
        """Add when the service was seen to enter its state, and what of it was new just then."""
        state, since, watched = self._since.get(row.id, (None, now, False))
        if state is not row.state:  # what nobody knew before may have been so for long
            since, watched = now, row.state is ServiceState.UNKNOWN or state not in (None, ServiceState.UNKNOWN)
            self._since[row.id] = (row.state, since, watched)
        past = self._past.get(row.id, Past())
        changed = past.changed(since) if row.state is ServiceState.BAD else ""
        return replace(row, since=since, watched=watched, changed=changed)

    def _faulty(self, error: ManifestError, now: float) -> Stack:
        source = self._told_source(SourceState.FAILED, error.detail, now, error.hint)
        return Stack(at=None, source=source, file=" ".join(map(str, self._source.files)), poll=self._poll)

    def _told_source(self, state: SourceState, detail: str, now: float, hint: str = "") -> Source:
        if self._state[0] is not state:
            self._state = (state, now)
        last = now if state is SourceState.OK else None
        tried = " ".join(map(str, self._source.files))
        return Source(
            name="stack", state=state, since=self._state[1], last_ok=last, tried=tried, detail=detail, hint=hint
        )


def _told(stack: Stack) -> tuple[object, ...]:
    """Return what of a stack a change is published for: all but the times of checks that found the same again."""
    rows = tuple(
        replace(row, rungs=tuple(replace(one, at=None, took=None) for one in row.rungs)) for row in stack.services
    )
    window = int((stack.at or 0) // AGES)
    edges = tuple(replace(one, at=None, connections_at=None) for one in stack.edges)
    kept = (stack.backups, stack.last_backup, stack.backup_verified, edges)
    return (rows, stack.source.state, stack.source.detail, stack.file, stack.hold, window, kept)
