"""Podman in memory: a world that keeps its state, runs its containers' programs and tells its events.

For demonstrations and tests. It speaks Podman's JSON inside (``memory_box``), so that the same parsers read it, and
keeps Podman's manners: refusals in its words, first usage samples that mean nothing, logs with whole seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aistack_backend.containers import parse
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.memory_box import described, stamp
from aistack_backend.containers.memory_feeds import LogFeed, QueueFeed, StatsFeed
from aistack_backend.containers.memory_shell import steps
from aistack_backend.containers.memory_world import World
from aistack_backend.containers.models import Event, ExecResult, Image, Inspected, Processes, Spec, Volume
from aistack_backend.containers.port import Feed
from aistack_backend.errors import NotFound
from aistack_backend.wire.containers import Container, Health, LogLine, LogStream, Usage


class MemoryPodman:
    """Implements ``Podman`` on a ``World``, which is where containers are added and made to speak."""

    def __init__(self, world: World | None = None, *, tick: float = 1.0) -> None:
        """``tick``: seconds of one second of the stats' interval."""
        self.world = world or World()
        self._tick = tick

    def connect(self) -> str:
        """Answer, unless ``go_down`` was called."""
        self.world.up()
        return "memory"

    def tried(self) -> str:
        """Nowhere but here."""
        return "memory"

    def signature(self) -> object:
        """Changes with each ``come_up``."""
        return self.world.ups

    def events_file(self) -> Path | None:
        """There is none."""
        return None

    def close(self) -> None:
        """End every program that still runs."""
        with self.world.changed:
            for box in self.world.boxes.values():
                box.run.over.set()

    def list(self, ids: Sequence[str] = ()) -> tuple[Container, ...]:
        """All, or those of the ids."""
        with self.world.changed:
            self.world.up()
            return tuple(parse.container_row(b.row()) for b in self.world.boxes.values() if not ids or b.id in ids)

    def inspect(self, ref: str, *, size: bool = False) -> Inspected:
        """By id, name or beginning of an id."""
        with self.world.changed:
            return parse.inspected(self.world.find(ref).inspect())

    def start(self, container: str) -> None:
        """Nothing when it runs already."""
        with self.world.changed:
            box = self.world.find(container)
            if box.runs:
                return
            self.world.begin(box)

    def stop(self, container: str, grace: int) -> None:
        """Every program here obeys SIGTERM at once."""
        with self.world.changed:
            box = self.world.find(container)
        if box.runs:
            self.world.end(box, 15)

    def restart(self, container: str, grace: int) -> None:
        """Stop and start."""
        self.stop(container, grace)
        self.start(container)

    def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Any signal ends it."""
        with self.world.changed:
            box = self.world.running(container)
            self.world.tell("kill", box)
        self.world.end(box, 9 if signal == "SIGKILL" else 15)

    def pause(self, container: str) -> None:
        """Only the state changes: the programs here do nothing worth freezing."""
        self.world.switch(container, "running", "paused", "is not running, can't pause")

    def unpause(self, container: str) -> None:
        """Back to running."""
        self.world.switch(container, "paused", "running", "is not paused, can't unpause")

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove it; named volumes stay."""
        with self.world.changed:
            box = self.world.find(container)
            if box.runs and not force:
                raise PodmanSays(f"Podman refused to remove it: cannot remove container {box.id} as it is running.")
        if box.runs:
            self.world.end(box, 9)
        with self.world.changed:
            self.world.boxes.pop(box.id, None)
            self.world.tell("remove", box)

    def wait(self, container: str, seconds: float) -> int:
        """Wait for the end of its run."""
        with self.world.changed:
            box = self.world.find(container)
            done = box.run.done
        if (box.runs or box.state == "created") and not done.wait(seconds):
            raise TimeoutError(f"It still ran after {seconds:g} s.")
        return box.exit_code

    def top(self, container: str) -> Processes:
        """One process: its command."""
        with self.world.changed:
            box = self.world.running(container)
            return Processes(titles=("USER", "PID", "COMMAND"), rows=(("root", "1", " ".join(box.command)),))

    def exec(self, container: str, command: Sequence[str], seconds: float) -> ExecResult:
        """Run a command of ``memory_shell``; it does not wait for its sleeps."""
        with self.world.changed:
            box = self.world.running(container)
            self.world.tell("exec", box)
        parts: dict[LogStream, list[bytes]] = {LogStream.STDOUT: [], LogStream.STDERR: []}
        code = 0
        for step in steps(command):
            if step.line is not None:
                parts[step.stream].append(step.line + b"\n")
            code = code if step.code is None else step.code
        with self.world.changed:
            self.world.tell("exec_died", box)
        out, err = (b"".join(parts[stream]) for stream in (LogStream.STDOUT, LogStream.STDERR))
        return ExecResult(exit_code=code, out=out, err=err)

    def healthcheck(self, container: str, seconds: float) -> Health:
        """Run its health command: one failure makes it unhealthy."""
        with self.world.changed:
            box = self.world.running(container)
            if not box.health:
                raise PodmanSays(
                    f"Podman refused to run its health command: container {box.id} has no defined healthcheck."
                )
            command = ("sh", "-c", *box.health[1:]) if box.health[0] == "CMD-SHELL" else box.health[1:]
            code = next((step.code for step in steps(command) if step.code is not None), 0)
            box.health_status = "healthy" if code == 0 else "unhealthy"
            box.health_log.append({"Start": stamp(self.world.now()), "ExitCode": code, "Output": ""})
            self.world.tell("health_status", box)
        return self.inspect(container).container.health

    def create(self, spec: Spec) -> str:
        """A sandbox, described as Podman would describe it."""
        with self.world.changed:
            self.world.up()
            image = self.image(spec.image)
            box = self.world.new(spec.name, image.tags[0] if image.tags else image.id, image.id)
            box.command, box.labels, box.extra = spec.command, dict(spec.labels), described(spec)
            box.stop_timeout = spec.stop_timeout
            self.world.tell("create", box)
            return box.id

    def logs(self, container: str, *, tail: int, since: float | None, follow: bool) -> Feed[Sequence[LogLine]]:
        """From the log kept here."""
        with self.world.changed:
            box = self.world.find(container)
            begin = len(box.log) - tail if 0 <= tail < len(box.log) else 0
            if since is not None:
                later = (i for i, (nanos, _) in enumerate(box.log) if nanos > since * 1e9)
                begin = max(begin, next(later, len(box.log)))
            return LogFeed(self.world.changed, box, begin, follow=follow)

    def stats(self, interval: int) -> Feed[Sequence[Usage]]:
        """Whatever ``use`` set."""
        return StatsFeed(interval * self._tick, self.world.sample)

    def events(self) -> Feed[Event]:
        """From now on, at once."""
        feed: QueueFeed[Event] = QueueFeed(lambda one: self.world.feeds.discard(one))
        with self.world.changed:
            self.world.up()
            self.world.feeds.add(feed)
        return feed

    def past_events(self, container: str, since: float) -> tuple[Event, ...]:
        """From the list kept here."""
        with self.world.changed:
            self.world.up()
            return tuple(e for e in self.world.events if container in (e.id, e.name) and e.at >= since)

    def volumes(self) -> tuple[Volume, ...]:
        """All."""
        with self.world.changed:
            self.world.up()
            return tuple(self.world.volumes.values())

    def volume(self, name: str) -> Volume:
        """One."""
        with self.world.changed:
            self.world.up()
            if name not in self.world.volumes:
                raise NotFound(f"Podman knows no such object: no such volume {name}.")
            return self.world.volumes[name]

    def volume_users(self, name: str) -> tuple[Container, ...]:
        """Containers that mount it."""
        with self.world.changed:
            self.world.up()
            return tuple(parse.container_row(b.row()) for b in self.world.boxes.values() if name in b.volumes)

    def volume_sizes(self, seconds: float) -> dict[str, int]:
        """What they were made with."""
        return dict(self.world.sizes)

    def remove_volume(self, name: str) -> None:
        """Remove it."""
        with self.world.changed:
            self.volume(name)
            if self.volume_users(name):
                raise PodmanSays(f"Podman refused to remove the volume: volume {name} is being used.")
            del self.world.volumes[name]

    def images(self) -> tuple[Image, ...]:
        """All."""
        self.world.up()
        return tuple({image.id: image for image in self.world.images.values()}.values())

    def image(self, ref: str) -> Image:
        """By tag or id."""
        self.world.up()
        for image in self.world.images.values():
            if ref == image.id or ref in image.tags:
                return image
        raise NotFound(f"Podman knows no such object: {ref}: image not known.")

    def import_image(self, tar: bytes, tag: str, changes: Sequence[str]) -> str:
        """Keep its name, size and digest."""
        self.world.up()
        return self.world.add_image(tag, tar).id
