"""The watch over the stack: news at once, whatever else hangs; nothing that happened is lost; ages are told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.backend.ladder.servers import http, saying, silent, talking

from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.ladder.service import StackService
from aistack_backend.containers.ladder.snapshot import Around
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.service import Containers
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Service, ServiceState, Stack


class Watched:
    """A manifest, the Podman in memory, and the watch."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "stack.yml"
        self.podman = MemoryPodman(tick=0.05)
        self.bus = Bus()
        self.clock = SystemClock()
        self._boats = Containers(self.podman, self.bus, self.clock)
        self.source = ManifestSource([self.file], {})
        self.heard = threading.Condition()
        self.watch = self.service(self.clock)

    def service(self, clock: Any, poll: float = 15.0) -> StackService:
        climber = Climber(self.podman, MemoryProvisioner(self.podman), clock)
        return StackService(self.source, climber, self.bus, clock, lambda _: Around(), poll=poll)

    def declare(self, **services: dict[str, Any]) -> None:
        made = {key: {"image": "x:1", "container_name": key, **one} for key, one in services.items()}
        self.file.write_text(json.dumps({"name": "p", "services": made}))

    def start(self) -> None:
        self._boats.start()
        self.watch.start()

    def stop(self) -> None:
        self.watch.stop()
        self._boats.stop()

    def until(self, good: Callable[[dict[str, Service]], bool], seconds: float = 10.0) -> float:
        """Wait until the newest stack is so; return the seconds that it took."""
        began = time.monotonic()
        pause = threading.Event()
        while True:
            said: Stack | None = self.bus.latest(Topic.STACK)
            if said is not None and good({one.id: one for one in said.services}):
                return time.monotonic() - began
            assert time.monotonic() - began < seconds, said
            pause.wait(0.02)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.stop()


def test_news_waits_for_nothing_that_hangs(watched: Watched) -> None:
    mute = {"ports": ["80"], "x-aistack": {"probes": [{"rung": "ready", "kind": "http", "port": 80, "timeout": "5s"}]}}
    watched.declare(**{f"mute{n}": mute for n in range(6)}, web={})
    with ExitStack() as servers:
        for n in range(6):
            watched.podman.world.add(f"mute{n}", ports=((servers.enter_context(talking(silent)), 80),))
        box = watched.podman.world.add("web")
        watched.watch.check(["web"])
        watched.start()
        watched.until(lambda rows: rows["mute5"].state is ServiceState.STARTING, 40)
        watched.podman.kill(box)
        assert watched.until(lambda rows: rows["web"].state is ServiceState.BAD) < 2.0


@pytest.fixture
def shut(watched: Watched) -> Iterator[tuple[Watched, Callable[[], None]]]:
    """A service that has been well, and how to close its port."""
    probe = {"rung": "ready", "kind": "http", "port": 80, "timeout": "1s"}
    watched.declare(web={"ports": ["80"], "x-aistack": {"ready_seconds": "50s", "probes": [probe]}})
    with ExitStack() as servers:
        port = servers.enter_context(talking(saying(http("200 OK", b"{}"))))
        watched.podman.world.add("web", ports=((port, 80),))
        yield watched, servers.close


def test_a_podman_that_goes_and_comes_back_is_said_of_every_service_at_once(watched: Watched) -> None:
    watched.declare(web={}, absent={})
    watched.podman.world.add("web")
    watched.start()
    watched.until(lambda rows: rows["web"].state is ServiceState.OK and rows["absent"].state is ServiceState.STOPPED)
    watched.podman.world.go_down()
    assert watched.until(lambda rows: {one.state for one in rows.values()} == {ServiceState.UNKNOWN}) < 5.0
    watched.podman.world.come_up()
    back = {"web": ServiceState.OK, "absent": ServiceState.STOPPED}
    assert watched.until(lambda rows: {key: one.state for key, one in rows.items()} == back) < 5.0, "poll: 15 s"


def test_what_was_well_is_bad_at_its_first_failed_look(shut: tuple[Watched, Callable[[], None]]) -> None:
    watched, close = shut
    assert watched.watch.check().services[0].state is ServiceState.OK
    close()
    said = watched.watch.check().services[0]
    assert (said.state, "refuses" in said.why) == (ServiceState.BAD, True), said
    watched.podman.restart("web", 1)
    said = watched.watch.check().services[0]
    assert said.state is ServiceState.STARTING, "a new run has its time to get ready"


def test_what_is_new_is_told_while_it_is_bad(shut: tuple[Watched, Callable[[], None]]) -> None:
    watched, close = shut
    clock = HandClock(wall=time.time())
    watch = watched.service(clock)
    assert watch.check().services[0].changed == ""
    close()
    watched.podman.restart("web", 1)
    clock.advance(170)
    said = watch.check().services[0]
    assert said.state is ServiceState.BAD
    assert said.changed.startswith("restarted at ")


def test_since_when_a_state_is_so_is_seen_or_at_the_least(shut: tuple[Watched, Callable[[], None]]) -> None:
    watched, close = shut
    clock = HandClock()
    watch = watched.service(clock, poll=100.0)
    first = watch.check().services[0]
    assert (first.since, first.watched) == (clock.now(), False), "it was so before anybody looked"
    clock.advance(19)
    again = watch.check().services[0]
    assert (again.state, again.since, again.watched) == (ServiceState.OK, first.since, False)
    close()
    bad = watch.check().services[0]
    assert (bad.state, bad.since, bad.watched) == (ServiceState.BAD, clock.now(), True)
    clock.advance(301)
    old = watch.publish().services[0]
    assert (old.state, old.since, old.watched) == (ServiceState.UNKNOWN, clock.now(), True)


def test_a_changed_manifest_changes_the_rows(watched: Watched) -> None:
    watched.declare(web={})
    watched.start()
    watched.until(lambda rows: set(rows) == {"web"})
    watched.declare(web={}, db={})
    watched.until(lambda rows: set(rows) == {"web", "db"})
    watched.file.write_text("services: {web: {imge: x}}\n")
    watched.until(lambda rows: not rows)
    said: Stack = watched.bus.latest(Topic.STACK)
    assert said.source.state is SourceState.FAILED
    assert "imge" in said.source.detail


def test_podman_that_goes_away_leaves_nothing_ok(watched: Watched) -> None:
    watched.declare(web={})
    watched.podman.world.add("web")
    assert watched.watch.check().services[0].state is ServiceState.OK
    watched.podman.world.go_down()
    said = watched.watch.check().services[0]
    assert said.state is ServiceState.UNKNOWN
    assert said.why


def test_what_nobody_checks_any_more_becomes_unknown(watched: Watched) -> None:
    clock = HandClock()
    watched.declare(web={})
    watched.podman.world.add("web")
    watch = watched.service(clock, poll=10.0)
    assert watch.check().services[0].state is ServiceState.OK
    clock.advance(31)
    assert watch.publish().services[0].state is ServiceState.UNKNOWN


def test_while_a_check_hangs_the_old_one_grows_old(watched: Watched) -> None:
    clock = HandClock()
    watched.declare(web={})
    watched.podman.world.add("web")
    watch = watched.service(clock, poll=10.0)
    watch.start()
    try:
        watched.until(lambda rows: rows["web"].state is ServiceState.OK)
        with watched.podman.world.changed:  # Podman answers nobody else now
            clock.advance(31)
            watched.until(lambda rows: rows["web"].state is ServiceState.UNKNOWN)
    finally:
        watch.stop()


def test_the_same_again_is_published_once(watched: Watched) -> None:
    clock = HandClock()
    watched.declare(web={})
    watched.podman.world.add("web")
    watch = watched.service(clock)
    watch.check()
    first = watched.bus.latest(Topic.STACK)
    watch.check()
    assert watched.bus.latest(Topic.STACK) is first
    watched.podman.stop("web", 1)
    watch.check()
    assert watched.bus.latest(Topic.STACK) is not first
