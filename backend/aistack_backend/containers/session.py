"""One connection of the watcher to Podman, from a good ping to the first failure."""

from __future__ import annotations

import queue
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aistack_backend.bus import Publish
from aistack_backend.containers import eventsfile
from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.feedthreads import Caller, Message, Reader
from aistack_backend.containers.models import Event
from aistack_backend.containers.narrate import Narrator
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.usage import Sampler
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState

if TYPE_CHECKING:
    from aistack_backend.containers.watcher import Watcher

SILENT = 1.2
"""Seconds without a word (usage samples come each second) after which Podman is asked for one."""
PATIENCE = 0.7
"""Seconds that a ping may take before Podman is shown as hanging: SILENT + PATIENCE stays below two seconds."""
LIST_PATIENCE = 1.6
"""The same for a list, which takes 0.6 ms a container."""
AGAIN = 0.3
"""Seconds after an event when its container is listed again: Podman writes some states after their event
(measured: a health result 35 ms)."""
MANY = 16
"""More containers than this are listed as all."""
REMEMBERED = 512
"""Events kept to tell each once, whichever way it came first."""
CALLS = frozenset({"list", "ping", "prove"})
NO_STATE = frozenset({"exec", "exec_died", "attach", "commit"})
"""Events that change nothing in the list."""


def net_pause(took: float, *, fast: bool) -> float:
    """Return the seconds between two lists of everything.

    A list costs Podman as much processor as it takes time: 9 ms with 20 containers, about 50 to 100 ms with 100. With
    the events file followed, the list is only a net for what makes no event, so it may cost 1 % of a core and comes
    each 5 to 10 s; without, it bounds how late a lost event is seen: 4 % of a core, each 1 to 5 s.
    """
    return min(10.0, max(5.0, took * 100)) if fast else min(5.0, max(1.0, took * 25))


class Session:
    """Feeds, calls and timers around one queue; ``run`` is the watcher's thread."""

    def __init__(self, podman: Podman, watcher: Watcher, bus: Publish, narrator: Narrator) -> None:
        self._podman = podman
        self._watcher = watcher
        self._bus = bus
        self._narrator = narrator
        self._box: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._sampler = Sampler()
        self._due: dict[str, list[float]] = {"": [0.0]}
        self._asked: frozenset[str] = frozenset()
        self._seen: OrderedDict[tuple[int, str, str], None] = OrderedDict()
        self._misses = 0
        self._patience = LIST_PATIENCE
        self._heard = time.monotonic()
        self._unproven: Path | None = None
        self.fast = False
        """The events file is followed and was seen to be this Podman's."""
        self.worked = False
        """A list was answered in this session."""

    def stop(self) -> None:
        """End ``run``; from any thread."""
        self._box.put(Message("stop"))

    def nudge(self, container: str) -> None:
        """List one container, or all ("") soon; from any thread."""
        self._box.put(Message("nudge", container))

    def run(self, greeting: str) -> None:
        """Watch until ``stop``.

        Raises:
            PodmanDown: Podman went away or does not answer any more.
            BackendError: it answers a list with an error.
        """
        caller = Caller(self._box)
        readers = [
            Reader("events", self._podman.events(), self._box),
            Reader("stats", self._podman.stats(1), self._box),
        ]
        file = self._podman.events_file()
        if file is not None:
            readers.append(Reader("file", eventsfile.FileTail(file), self._box))
            self._unproven = file
        self._watcher.heard(greeting)
        try:
            while self._step(caller):
                pass
        finally:
            caller.close()
            for reader in readers:
                reader.close()

    def _step(self, caller: Caller) -> bool:
        message = self._next(caller)
        if message is not None:
            if message.name == "stop":
                return False
            if message.name in CALLS:
                caller.done()
            self._take(message)
        now = time.monotonic()
        if caller.busy_since is not None:
            silent = now - max(caller.busy_since, self._heard)
            if silent > self._patience:
                self._watcher.hangs(silent)
        elif ids := self._ripe(now):
            self._patience = LIST_PATIENCE
            self._asked = ids - {""} if "" not in ids and len(ids) <= MANY else frozenset()
            caller.call("list", self._lister(self._asked))
        elif self._unproven is not None:
            file, self._unproven = self._unproven, None
            caller.call("prove", lambda: eventsfile.proven(self._podman, file))
        elif now - self._heard > SILENT:
            self._patience = PATIENCE
            caller.call("ping", self._podman.connect)
        return True

    def _lister(self, ids: frozenset[str]) -> Callable[[], object]:
        return lambda: self._podman.list(sorted(ids))

    def _next(self, caller: Caller) -> Message | None:
        if caller.busy_since is not None:
            until = caller.busy_since + self._patience
            if time.monotonic() > until:
                until = time.monotonic() + 1.0
        else:
            until = min(self._heard + SILENT, *(t for times in self._due.values() for t in times))
        try:
            return self._box.get(timeout=max(0.001, until - time.monotonic() + 0.001))
        except queue.Empty:
            return None

    def _ripe(self, now: float) -> frozenset[str]:
        ripe = frozenset(key for key, times in self._due.items() if times[0] <= now)
        for key in ripe:
            self._due[key] = [t for t in self._due[key] if t > now]
            if not self._due[key]:
                del self._due[key]
        if "" not in self._due:
            self._due[""] = [now + net_pause(0.0, fast=self.fast)]
        return ripe

    def _take(self, message: Message) -> None:
        if message.error is not None:
            self._failed(message.name, message.error)
            return
        if message.name != "file":
            self._heard = time.monotonic()
        match message.name:
            case "list":
                self._listed(message)
            case "ping":
                self._watcher.heard()
            case "prove":
                self.fast = self.fast or bool(message.item)
                self._watcher.heard()
            case "stats":
                self._sample(message.item)
            case "events":
                self._event(message.item, from_file=False)
            case "file":
                self._event(message.item, from_file=True)
            case "nudge":
                self._mark(message.item)

    def _failed(self, name: str, error: Exception) -> None:
        if name == "file":
            self.fast = False
        elif isinstance(error, PodmanDown) or name in CALLS:
            raise error
        elif isinstance(error, BackendError):
            # Usage or events alone are refused (rootless on cgroup v1 has no usage): the list goes on without.
            self._heard = time.monotonic()
        else:
            raise PodmanDown(f"Reading {name} failed: {error}.", SourceState.FAILED, self._podman.tried()) from error

    def _listed(self, message: Message) -> None:
        self.worked = True
        self._watcher.measured(message.item, self._asked)
        if not self._asked:
            self._due[""] = [time.monotonic() + net_pause(message.took, fast=self.fast)]

    def _sample(self, rows: tuple[object, ...]) -> None:
        running = {c.id for c in self._watcher.fleet.containers if c.state in RUNS}
        kept = self._sampler.take(rows, running)  # type: ignore[arg-type]
        self._watcher.heard()
        self._bus.publish(Topic.USAGE, UsageTable(at=kept[0].at if kept else time.time(), rows=kept))

    def _event(self, event: Event | None, *, from_file: bool) -> None:
        if event is None:
            self._mark("")
            return
        key = (event.nanos, event.id, event.action)
        known = key in self._seen
        if from_file:
            self._remember(key)
        else:
            self._judge(known)
            if not known:
                self._remember(key)
        if known:
            return
        if event.type == "container" and event.action not in NO_STATE:
            self._sampler.forget(event.id)
            self._mark(event.id)
        if (activity := self._narrator.tell(event)) is not None:
            self._bus.publish(Topic.ACTIVITY, activity)

    def _judge(self, known: bool) -> None:
        # The API is later than the file: an event that the file never told means that it is another Podman's.
        self._misses = 0 if known else self._misses + 1
        if known:
            self.fast = True
        elif self._misses >= 3:
            self.fast = False

    def _remember(self, key: tuple[int, str, str]) -> None:
        self._seen[key] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _mark(self, container: str) -> None:
        now = time.monotonic()
        self._due[container] = [now, now + AGAIN] if container else [now]
