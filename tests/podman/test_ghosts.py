"""A container whose process and monitor were both killed: Podman calls it running for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backend.containers.worlds import Ear
from tests.bed.backend import wait_until
from tests.contracts.podman_beds import SOCKET, RealBed, read
from tests.podman.faulty import Proxy

from aistack_backend.clock import SystemClock
from aistack_backend.containers import ghosts
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.service import Containers
from aistack_backend.wire.containers import ContainerState, Fleet, UsageTable
from aistack_backend.wire.events import Topic

pytestmark = pytest.mark.podman


def ghost(bed: RealBed, name: str) -> str:
    """Make one: the monitor first, so that nobody tells Podman of the end."""
    ident = bed.make(name)
    state = bed.podman.inspect(ident).document["State"]
    for pid in (state["ConmonPid"], state["Pid"]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{state['Pid']}").exists(), 10, "the process stayed")
    return ident


def test_it_is_called_dead_and_the_others_are_still_measured(bed: RealBed) -> None:
    gone, lives = ghost(bed, "gone"), bed.make("lives")
    bus = Ear()
    containers = Containers(ApiPodman(f"unix://{SOCKET}", {}), bus, SystemClock())
    containers.start()

    def measured(ident: str) -> Callable[[UsageTable], bool]:
        return lambda table: any(row.id == ident and row.pids for row in table.rows)

    def dead(fleet: Fleet) -> bool:
        return any(one.id == gone and one.state is ContainerState.DEAD for one in fleet.containers)

    try:
        bus.until(Topic.USAGE, measured(lives))
        bus.until(Topic.FLEET, dead, within=30)
        late = bed.make("late")
        bus.until(Topic.USAGE, measured(late), within=30)
        assert containers.fleet().source.state == "ok"
        assert next(one for one in containers.fleet().containers if one.id == lives).state is ContainerState.RUNNING
    finally:
        containers.stop()


def test_usage_of_all_comes_back_once_it_is_removed(bed: RealBed) -> None:
    gone, lives = ghost(bed, "gone"), bed.make("lives")
    feed = bed.podman.stats(1)
    samples = iter(feed)
    try:
        assert lives in {row.id for row in next(s for s in samples if s)}
        bed.podman.remove(gone, force=True)
        new = bed.make("new")
        assert any(new in {row.id for row in sample} for sample in read_some(samples, 40))
    finally:
        feed.close()


def read_some(samples: object, most: int) -> object:
    """Yield at most so many samples."""
    for _, sample in zip(range(most), samples, strict=False):  # type: ignore[call-overload]
        yield sample


def test_nothing_is_said_of_a_podman_that_is_not_on_this_machine(proxy: Proxy, bed: RealBed, short: Path) -> None:
    assert ghosts.near(SOCKET)
    assert not ghosts.near(str(proxy.path))
    assert not ghosts.near(str(short / "none.sock"))
    gone = ghost(bed, "gone")
    far = ApiPodman(f"unix://{proxy.path}", {})
    judge = ghosts.Ghosts(now=iter((0.0, 10.0)).__next__)
    row = far.list([gone])[0]
    assert judge.named((row,), lambda: False)[0].state is ContainerState.RUNNING
    assert judge.named((row,), lambda: True)[0].state is ContainerState.RUNNING
    assert judge.named((row,), lambda: True)[0].state is ContainerState.DEAD
    far.close()


def test_a_feed_that_was_closed_before_it_was_read(bed: RealBed) -> None:
    feed = bed.podman.stats(1)
    feed.close()
    assert list(feed) == []
    assert read(bed.podman.stats(1), 1)
