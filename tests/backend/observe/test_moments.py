"""The time machine tells a moment as it was recorded: nothing of later, nothing across a start, nothing unmeasured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aistack_backend.bus import Bus, Event
from aistack_backend.clock import HandClock
from aistack_backend.observe.recorder import Recorder
from aistack_backend.wire.containers import Activity, Container, ContainerState, Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Service, ServiceState, Stack

WALL = 1_700_000_000.0
OK = Source(name="podman", state=SourceState.OK, since=WALL)


class Bench:
    """A recorder that is fed by hand, and can be begun anew on the same file."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.folder = HandClock(wall=WALL), folder
        self.recorder = self.anew()

    def anew(self) -> Recorder:
        made = Recorder(self.folder / "recorder.db", Bus(), self.clock, every=3600)
        made.start()
        return made

    def restart(self, seconds: float) -> None:
        """Begin anew, so many seconds later."""
        self.recorder.stop()
        self.clock.advance(seconds)
        self.recorder = self.anew()

    def host(self, cpu: float = 10.0) -> None:
        sample = HostSample(at=self.clock.now(), hostname="h", cores=2, cpu_percent=cpu)
        self.recorder.take(Event(1, Topic.HOST, sample))

    def stack(self, **states: ServiceState) -> None:
        services = tuple(
            Service(
                id=name, container=name, title=name, group="g", provision=Provision.CONTAINER, state=state,
                why="" if state is ServiceState.OK else "It does not listen.",
            )
            for name, state in states.items()
        )  # fmt: skip
        self.recorder.take(Event(1, Topic.STACK, Stack(at=self.clock.now(), source=OK, services=services)))

    def fleet(self, **states: ContainerState) -> None:
        boxes = tuple(Container(id=name * 9, name=name, image="i", state=state) for name, state in states.items())
        self.recorder.take(Event(1, Topic.FLEET, Fleet(at=self.clock.now(), source=OK, containers=boxes)))

    def happen(self, text: str) -> None:
        self.recorder.take(Event(1, Topic.ACTIVITY, Activity(at=self.clock.now(), who="podman", text=text)))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.recorder.stop()


def test_a_moment_shows_what_held_then(bench: Bench) -> None:
    bench.host(10)
    bench.stack(aidb=ServiceState.OK, qdrant=ServiceState.OK)
    bench.fleet(web=ContainerState.RUNNING)
    bench.clock.advance(10)
    bench.host(20)
    bench.stack(aidb=ServiceState.BAD)
    bench.fleet()
    bench.happen("web died")
    early, late = bench.recorder.moment(WALL + 5), bench.recorder.moment(WALL + 12)
    assert [(one.name, one.state, one.since) for one in early.services] == [
        ("aidb", "ok", WALL), ("qdrant", "ok", WALL),
    ]  # fmt: skip
    assert [(one.name, one.state) for one in early.containers] == [("web", "running")]
    assert (early.host, early.events, early.recorded) == ({"cpu": 10.0}, (), True)
    assert [(one.name, one.state, one.why) for one in late.services] == [("aidb", "bad", "It does not listen.")]
    assert late.containers == ()
    assert (late.host["cpu"], [one.text for one in late.events]) == (20.0, ["web died"])
    assert (early.before, early.after, late.before, late.after) == (WALL, WALL + 10, WALL + 10, None)
    assert (early.oldest, early.newest) == (WALL, WALL + 10)


def test_what_happened_while_nobody_looked_is_not_known(bench: Bench) -> None:
    bench.host()
    bench.stack(aidb=ServiceState.OK)
    bench.fleet(web=ContainerState.RUNNING)
    bench.restart(600)
    bench.host()
    bench.fleet()
    gap = bench.recorder.moment(WALL + 300)
    assert (gap.recorded, gap.services, gap.containers, gap.host) == (False, (), (), {})
    now = bench.recorder.moment(WALL + 601)
    assert (now.recorded, now.services, now.containers) == (True, (), ())
    assert [one.name for one in bench.recorder.moment(WALL + 1).services] == ["aidb"]


def test_before_the_first_and_after_the_last_nothing_is_recorded(bench: Bench) -> None:
    empty = bench.recorder.moment(WALL)
    assert (empty.recorded, empty.oldest, empty.events) == (False, None, ())
    bench.host()
    for at in (0.0, WALL - 1, WALL + 16, 1e11):
        assert bench.recorder.moment(at).recorded is False
    assert bench.recorder.moment(WALL + 15).recorded is True


def test_a_service_that_comes_back_and_one_that_is_not_declared_any_more(bench: Bench) -> None:
    bench.host()
    bench.stack(aidb=ServiceState.OK, old=ServiceState.OK)
    bench.clock.advance(1)
    bench.stack(aidb=ServiceState.STARTING)
    bench.clock.advance(1)
    bench.stack(aidb=ServiceState.OK, old=ServiceState.HELD)
    found = {one.name: (one.state, one.since) for one in bench.recorder.moment(WALL + 2).services}
    assert found == {"aidb": ("ok", WALL + 2), "old": ("held", WALL + 2)}
    assert [one.name for one in bench.recorder.moment(WALL + 1).services] == ["aidb"]
