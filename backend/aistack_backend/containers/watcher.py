"""Watches Podman: publishes FLEET on change, USAGE each second, ACTIVITY per event, and how Podman itself is doing.

Three nets, each catching what the one before it lost: the events file (1 to 2 ms), the API's event stream (0 to
250 ms), a list of everything now and then. An event leads to a list of that one container (2 ms), not of all.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import replace

from aistack_backend.bus import Publish
from aistack_backend.clock import Clock
from aistack_backend.containers.failures import HINTS, PodmanDown
from aistack_backend.containers.narrate import Narrator
from aistack_backend.containers.port import Podman
from aistack_backend.containers.session import Session
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import Container, Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import Source, SourceState

log = logging.getLogger(__name__)
FIRST = 0.25
"""Seconds until the first new try to reach Podman; doubled each time, with a jitter of half."""
LONGEST = {SourceState.HANGING: 1.0, SourceState.REFUSED: 2.0}
"""What the doubling ends at. One knock costs 20 microseconds, and nothing else tells us that a service was continued
or that one listens again on an old socket; all else ends at ``CALM``."""
CALM = 15.0
LOOK = 0.1
"""Seconds between two looks at whether a socket appeared: four ``stat`` calls, 0.01 % of a core."""


class Watcher:
    """Keeps the newest ``Fleet`` and tells the bus; reconnects by itself, at once when a socket appears."""

    def __init__(self, podman: Podman, bus: Publish, clock: Clock) -> None:
        self._podman = podman
        self._bus = bus
        self._clock = clock
        self._narrator = Narrator()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._session: Session | None = None
        self._containers: dict[str, Container] = {}
        source = Source(name="podman", state=SourceState.UNKNOWN, since=clock.now())
        self._fleet = Fleet(at=None, source=source)

    @property
    def fleet(self) -> Fleet:
        """The newest measured fleet, with the time of its last measurement (also when nothing changed)."""
        with self._lock:
            return self._fleet

    def start(self) -> None:
        """Begin to watch; returns at once."""
        self._set_source(SourceState.CONNECTING, "Podman is being reached.")
        self._thread = threading.Thread(target=self._run, name="podman-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all threads; waits at most three seconds."""
        self._stopping.set()
        session = self._session
        if session is not None:
            session.stop()
        if self._thread is not None:
            self._thread.join(3.0)

    def nudge(self, container: str = "") -> None:
        """Look again at a container (or at all) now: something was done to it that may not have made an event."""
        session = self._session
        if session is not None:
            session.nudge(container)

    def heard(self, detail: str = "") -> None:
        """Note that Podman answered just now."""
        now = self._clock.now()
        if self._fleet.source.state is SourceState.OK:
            with self._lock:
                self._fleet = replace(self._fleet, source=replace(self._fleet.source, last_ok=now))
        else:
            self._set_source(SourceState.OK, detail or "Podman answers.")

    def hangs(self, seconds: float) -> None:
        """Note that a call is unanswered for ``seconds``."""
        if self._fleet.source.state is not SourceState.HANGING:
            self._set_source(SourceState.HANGING, f"Podman has not answered for {seconds:.1f} s.")

    def measured(self, rows: tuple[Container, ...], ids: frozenset[str]) -> None:
        """Take a list in: of everything, or of the given ids (those missing are gone). Publishes what changed."""
        known = {} if not ids else {k: v for k, v in self._containers.items() if k not in ids}
        known.update((row.id, row) for row in rows)
        changed = known != self._containers
        first = self._fleet.at is None
        self._containers = known
        self.heard()
        ordered = tuple(sorted(known.values(), key=lambda c: (c.name, c.id))) if changed else self._fleet.containers
        with self._lock:
            self._fleet = replace(self._fleet, at=self._clock.now(), containers=ordered)
        if changed or first:
            self._bus.publish(Topic.FLEET, self._fleet)

    def _run(self) -> None:
        pause = FIRST
        while not self._stopping.is_set():
            try:
                where = self._podman.connect()
                self._session = session = Session(self._podman, self, self._bus, self._narrator)
                if self._stopping.is_set():
                    session.stop()
                session.run(f"Podman answers on {where}.")
                pause = FIRST
            except PodmanDown as down:
                if self._session is not None and self._session.worked:
                    pause = FIRST
                self._fail(down)
            except BackendError as error:
                self._fail(PodmanDown(error.detail, SourceState.FAILED, self._podman.tried()))
            except Exception as error:  # a fault of ours must be seen, and must not end the watch
                log.exception("the watch of Podman broke")
                self._fail(PodmanDown(f"Watching broke: {error!r}.", SourceState.FAILED, self._podman.tried()))
            self._session = None
            self._rest(pause)
            pause = min(LONGEST.get(self._fleet.source.state, CALM), pause * 2)

    def _rest(self, pause: float) -> None:
        until = time.monotonic() + pause * random.uniform(0.5, 1.5)  # noqa: S311  jitter, not a secret
        before = self._podman.signature()
        while time.monotonic() < until and not self._stopping.wait(LOOK):
            if self._podman.signature() != before:
                return

    def _fail(self, down: PodmanDown) -> None:
        self._set_source(down.state, down.detail, down.tried)

    def _set_source(self, state: SourceState, detail: str, tried: str = "") -> None:
        old = self._fleet.source
        now = self._clock.now()
        source = Source(
            name="podman",
            state=state,
            since=old.since if old.state is state else now,
            last_ok=now if state is SourceState.OK else old.last_ok,
            tried=tried or self._podman.tried(),
            detail=detail,
            hint=HINTS.get(state, ""),
        )
        with self._lock:
            self._fleet = replace(self._fleet, source=source)
        if replace(old, last_ok=None) != replace(source, last_ok=None):
            self._bus.publish(Topic.FLEET, self._fleet)
