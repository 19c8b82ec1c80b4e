"""Writes down what the bus says: metrics, states and events, in batches, bounded. The time machine reads it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from aistack_backend.bus import Bus, Event
from aistack_backend.clock import Clock
from aistack_backend.observe.measures import host_metrics, usage_metrics
from aistack_backend.observe.moments import BEGAN, GONE, SERVICE
from aistack_backend.observe.ring import Batch, Happening, Ring, State
from aistack_backend.wire.containers import Activity, Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Series
from aistack_backend.wire.past import Past
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Stack

FLUSH = 3.0
"""Seconds between two batches."""
USAGE_EVERY = 5.0
"""Least seconds between two recorded samples of what containers use."""
HELD = 20_000
"""Measurements kept in memory while the file cannot be written; the oldest go first and are counted."""
MAX_ROWS = 4_000_000
log = logging.getLogger(__name__)


class Recorder:
    """A thread of its own: reads the bus, writes ``path``, answers ``series``. It never stops the rest."""

    def __init__(
        self,
        path: Path,
        bus: Bus,
        clock: Clock,
        *,
        max_bytes: int = 256 * 1024 * 1024,
        max_rows: int = MAX_ROWS,
        every: float = FLUSH,
    ) -> None:
        self._path = path
        self._bus = bus
        self._clock = clock
        self._bounds = (max_bytes, max_rows)
        self._every = every
        self._lock = threading.Lock()
        self._ring: Ring | None = None
        self._batch = Batch([], [], [])
        self._dropped = 0
        self._states: dict[str, tuple[str, str]] = {}
        self._services: dict[str, str] = {}
        self._usage_at = 0.0
        self._source = Source(name="recorder", state=SourceState.CONNECTING, since=clock.now(), tried=str(path))
        self._running = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to record; what happened before, and was not seen, is not known from here on."""
        with self._lock:
            self._batch.states.append(State(self._clock.now(), BEGAN, "", "began", ""))
        self._thread.start()

    def stop(self) -> None:
        """Write what is held, end the thread and close the file."""
        if self._thread.is_alive() and self._running.wait(5) and self._loop and self._main:
            self._loop.call_soon_threadsafe(self._main.cancel)
        if self._thread.is_alive():
            self._thread.join(10)
        with self._lock:
            if self._ring:
                self._ring.close()
                self._ring = None

    def source(self) -> Source:
        """How the recording goes."""
        return self._source

    def series(self, name: str, since: float = 0.0) -> Series:
        """Return a metric from ``since`` (epoch seconds; 0 = the last hour) to now, oldest first; unknown = empty."""
        now = self._clock.now()
        begin = since or now - 3600
        with self._lock:
            try:
                stored = self._ring.series(name, begin, now) if self._ring else Series(name=name)
            except sqlite3.Error as error:
                self._failed(error)
                stored = Series(name=name)
            held = [metric for metric in self._batch.metrics if metric.name == name and metric.at >= begin]
        times = (*stored.times, *(metric.at for metric in held))
        return Series(name=name, times=times, values=(*stored.values, *(metric.value for metric in held)))

    def events(self, name: str = "", most: int = 50) -> tuple[Activity, ...]:
        """Return what happened last, newest first; with an object's ``name`` only what happened with that one."""
        with self._lock:
            held = [one for one in reversed(self._batch.events) if name in ("", one.name)]
            try:
                held += self._ring.happenings(name, most) if self._ring else []
            except sqlite3.Error as error:
                self._failed(error)
        return tuple(
            Activity(
                at=one.at, who=one.who, text=one.text, object_id=one.object, object_name=one.name, action=one.action
            )
            for one in held[:most]
        )

    def moment(self, at: float) -> Past:
        """Return what was recorded of a moment (epoch seconds); nothing while the file cannot be read."""
        self.flush()
        with self._lock:
            try:
                return self._ring.moment(at) if self._ring else Past(at=at, recorded=False)
            except sqlite3.Error as error:
                self._failed(error)
                return Past(at=at, recorded=False)

    def take(self, event: Event) -> None:
        """Hold what one event says until the next batch."""
        data: Any = event.data
        with self._lock:
            if event.topic is Topic.HOST:
                self._batch.metrics.extend(host_metrics(data))
            elif event.topic is Topic.USAGE and data.at - self._usage_at >= USAGE_EVERY:
                self._usage_at = data.at
                self._batch.metrics.extend(usage_metrics(data))
            elif event.topic is Topic.FLEET:
                self._batch.states.extend(self._changed(data))
            elif event.topic is Topic.STACK:
                self._batch.states.extend(self._stood(data))
            elif event.topic is Topic.ACTIVITY:
                self._batch.events.append(_happening(data))

    def flush(self) -> None:
        """Write what is held; keep it, bounded, when the file cannot be written now."""
        with self._lock:
            try:
                self._ring = self._ring or self._open()
                self._ring.write(self._batch)
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
                return
            self._batch = Batch([], [], [])
            lost = f"{self._dropped} measurements were lost while it could not be written." if self._dropped else ""
            self._note(SourceState.OK, self._source.detail if self._source.state is SourceState.OK else lost)

    def _open(self) -> Ring:
        try:
            return Ring(self._path, *self._bounds)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            return self._anew(error)

    def _anew(self, error: Exception) -> Ring:
        """Put a damaged file aside and begin another."""
        aside = self._path.with_name(f"{self._path.name}.damaged-{int(self._clock.now())}")
        self._path.rename(aside)
        for tail in ("-wal", "-shm"):
            self._path.with_name(self._path.name + tail).unlink(missing_ok=True)
        ring = Ring(self._path, *self._bounds)
        self._note(SourceState.OK, f"The recording was damaged ({error}); it lies in {aside} and a new one was begun.")
        return ring

    def _failed(self, error: Exception) -> None:
        if self._ring and isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            self._ring.close()
            self._ring = None  # opened anew, and put aside if still damaged, at the next batch
        for held in self._batch:
            over = len(held) - HELD
            if over > 0:
                del held[:over]
                self._dropped += over
        self._note(SourceState.FAILED, f"The recording {self._path} cannot be written: {error}.")

    def _note(self, state: SourceState, detail: str) -> None:
        now = self._clock.now()
        if state is not self._source.state:
            log.info("recorder: %s %s", state.value, detail)
        since = self._source.since if state is self._source.state else now
        hint = "Free some space in the data folder." if state is SourceState.FAILED else ""
        last_ok = now if state is SourceState.OK else self._source.last_ok
        self._source = replace(self._source, state=state, since=since, last_ok=last_ok, detail=detail, hint=hint)

    def _changed(self, fleet: Fleet) -> list[State]:
        """Return the containers whose state is another than the last one seen; a gone one is ``removed``."""
        if fleet.at is None or fleet.source.state is not SourceState.OK:
            return []
        now = {box.ref: (box.state.value, box.health.value) for box in fleet.containers}
        names = {box.ref: box.full_name for box in fleet.containers}
        rows = [
            State(fleet.at, key, names[key], *value) for key, value in now.items() if self._states.get(key) != value
        ]
        rows += [State(fleet.at, key, "", "removed", "") for key in self._states.keys() - now.keys()]
        self._states = now
        return rows

    def _stood(self, stack: Stack) -> list[State]:
        """Return the services whose state is another than the last one seen."""
        if stack.at is None:
            return []
        now = {one.id: one.state.value for one in stack.services}
        rows = [
            State(self._clock.now(), f"{SERVICE}{one.id}", one.id, one.state.value, one.why)
            for one in stack.services
            if self._services.get(one.id) != one.state.value
        ]
        gone = self._services.keys() - now.keys()
        rows += [State(self._clock.now(), f"{SERVICE}{one}", one, GONE, "") for one in gone]
        self._services = now
        return rows

    def _run(self) -> None:
        asyncio.run(self._record())

    async def _record(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        self._running.set()
        flusher = asyncio.create_task(self._flush_often())
        try:
            async for event in self._bus.read():
                self.take(event)
        except asyncio.CancelledError:
            flusher.cancel()
        self.flush()

    async def _flush_often(self) -> None:
        while True:
            self.flush()
            await asyncio.sleep(self._every)


def _happening(data: Activity) -> Happening:
    return Happening(data.at, data.who, data.text, data.object_id, data.object_name, data.action)
