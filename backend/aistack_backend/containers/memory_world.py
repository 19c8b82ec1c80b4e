"""The world of the in-memory Podman: what exists, what runs, what happened; and the ways to set it up."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any

from aistack_backend.containers.failures import PodmanDown, PodmanSays
from aistack_backend.containers.memory_box import Box, Run, live, stamp
from aistack_backend.containers.memory_feeds import QueueFeed
from aistack_backend.containers.models import Event, Image, Volume
from aistack_backend.errors import NotFound
from aistack_backend.wire.containers import LogStream, Usage
from aistack_backend.wire.sources import SourceState

PROBE = "localhost/aistack-probe:1"
STEP = 1_000
"""Nanoseconds that lie at least between two things that happen, so that their order can be told."""


class World:
    """Guarded by ``changed``, which is notified whenever something happened."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.boxes: dict[str, Box] = {}
        self.volumes: dict[str, Volume] = {}
        self.sizes: dict[str, int] = {}
        self.images: dict[str, Image] = {}
        self.events: list[Event] = []
        self.feeds: set[QueueFeed[Event]] = set()
        self.ups = 0
        self._down: SourceState | None = None
        self._last = 0
        self.add_image(PROBE)

    def add_image(self, tag: str, content: bytes = b"", labels: dict[str, str] | None = None) -> Image:
        """Have an image; its id is a digest of tag and content."""
        digest = hashlib.sha256(tag.encode() + b"\0" + content).hexdigest()
        self.images[digest] = image = Image(id=digest, tags=(tag,), size=len(content), labels=labels or {})
        return image

    def add_volume(self, name: str, *, size: int = 0, labels: dict[str, str] | None = None) -> Volume:
        """Have a volume of so many bytes."""
        with self.changed:
            made = Volume(
                name=name, driver="local", mountpoint=f"/volumes/{name}", created=stamp(self.now()), labels=labels or {}
            )
            self.volumes[name], self.sizes[name] = made, size
        return made

    def add(self, name: str, command: Sequence[str] = (), *, running: bool = True, **more: Any) -> str:
        """Have a container; ``more`` are fields of ``Box``. Without a command it runs until it is stopped."""
        with self.changed:
            box = self.new(name, PROBE, next(iter(self.images)))
            box.command = tuple(command)
            for key, value in more.items():
                setattr(box, key, value)
            self.tell("create", box)
        if running:
            self.begin(box)
        return box.id

    def say(self, container: str, line: bytes, stream: LogStream = LogStream.STDOUT) -> None:
        """Have a container write a line."""
        with self.changed:
            self.find(container).write(self.now(), stream, line)
            self.changed.notify_all()

    def use(self, container: str, *, cpu: float, memory: int) -> None:
        """Have a container use so many percent of a core and so many bytes."""
        with self.changed:
            box = self.find(container)
            box.cpu, box.memory = cpu, memory

    def go_down(self, state: SourceState = SourceState.ABSENT) -> None:
        """Let Podman be away: every call and stream fails until ``come_up``."""
        with self.changed:
            self._down = state
            for feed in tuple(self.feeds):
                feed.put(_away(state))

    def come_up(self) -> None:
        """Let Podman be back."""
        with self.changed:
            self._down, self.ups = None, self.ups + 1

    def up(self) -> None:
        """Raise ``PodmanDown`` while Podman is away."""
        if self._down is not None:
            raise _away(self._down)

    def now(self) -> int:
        """Return epoch nanoseconds, later than every one before."""
        self._last = max(time.time_ns(), self._last + STEP)
        return self._last

    def find(self, ref: str) -> Box:
        """Return a box by id, name or beginning of an id; raises ``NotFound``, ``PodmanDown``."""
        self.up()
        for box in self.boxes.values():
            if ref in (box.id, box.name):
                return box
        matches = [box for box in self.boxes.values() if box.id.startswith(ref)] if ref else []
        if len(matches) != 1:
            raise NotFound(f"Podman knows no such object: no container with name or ID {ref!r} found.")
        return matches[0]

    def running(self, ref: str) -> Box:
        """Return a box that runs; raises ``PodmanSays`` when it does not."""
        box = self.find(ref)
        if not box.runs:
            raise PodmanSays(f"Podman refused: container {box.id} is in state {box.state}, it is not running.")
        return box

    def new(self, name: str, image: str, image_id: str) -> Box:
        """Have a box that was never started."""
        if any(box.name == name for box in self.boxes.values()):
            raise PodmanSays(f"Podman refused to create the container: the name {name} is already in use.")
        now = self.now()
        ident = hashlib.sha256(f"{name} {now}".encode()).hexdigest()
        self.boxes[ident] = box = Box(id=ident, name=name, image=image, image_id=image_id, created=now)
        return box

    def begin(self, box: Box) -> None:
        """Run its program in a thread of its own."""
        with self.changed:
            box.run, box.state, box.started = Run(), "running", self.now()
            box.health_status = "starting" if box.health else ""
            self.tell("init", box)
            self.tell("start", box)
            run = box.run
        threading.Thread(target=self._live, args=(box, run), name=f"memory-{box.name}", daemon=True).start()

    def end(self, box: Box, signal: int) -> None:
        """End its program and wait until it has ended."""
        run = box.run
        run.killed = signal
        run.over.set()
        run.done.wait()

    def switch(self, ref: str, before: str, after: str, refusal: str) -> None:
        """Change a state that must be ``before``."""
        with self.changed:
            box = self.find(ref)
            if box.state != before:
                raise PodmanSays(f"Podman refused: {box.id} {refusal}: container state improper.")
            box.state = after
            self.tell("pause" if after == "paused" else "unpause", box)

    def tell(self, action: str, box: Box) -> None:
        """Add an event and send it to every stream."""
        event = Event(
            nanos=self.now(),
            type="container",
            action=action,
            id=box.id,
            name=box.name,
            health=box.health_status if action == "health_status" else "",
            exit_code=box.exit_code if action == "died" else None,
        )
        self.events.append(event)
        for feed in tuple(self.feeds):
            feed.put(event)
        self.changed.notify_all()

    def sample(self) -> list[Usage]:
        """Return the usage of all, with zeros for what does not run, as Podman 4.3 does."""
        with self.changed:
            self.up()
            return [
                Usage(
                    id=box.id,
                    at=time.time(),
                    cpu_percent=box.cpu if box.runs else 0.0,
                    memory=box.memory if box.runs else 0,
                    memory_limit=8 << 30,
                    net_in=0,
                    net_out=0,
                    block_in=0,
                    block_out=0,
                    pids=1 if box.runs else 0,
                )
                for box in self.boxes.values()
            ]

    def _live(self, box: Box, run: Run) -> None:
        def write(stream: LogStream, line: bytes) -> None:
            with self.changed:
                box.write(self.now(), stream, line)
                self.changed.notify_all()

        code = live(box, run, write)
        with self.changed:
            box.state, box.exit_code, box.finished = "exited", code, self.now()
            self.tell("died", box)
            self.tell("cleanup", box)
            run.done.set()


def _away(state: SourceState) -> PodmanDown:
    return PodmanDown(f"The in-memory Podman is {state.value}.", state, "memory")
