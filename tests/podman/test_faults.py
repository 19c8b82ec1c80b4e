"""Podman absent, refused, hanging, dying, talking rubbish: shown within two seconds, and recovered from."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.backend.containers.worlds import Ear
from tests.contracts.podman_beds import RealBed
from tests.podman.faulty import ODD, Proxy, Service

from aistack_backend.clock import SystemClock
from aistack_backend.containers import sockets
from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.service import Containers
from aistack_backend.wire.containers import ContainerState, Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState

pytestmark = pytest.mark.podman
OK, ABSENT, REFUSED = SourceState.OK, SourceState.ABSENT, SourceState.REFUSED
HANGING, FAILED = SourceState.HANGING, SourceState.FAILED
SHOWN = 2.0
"""Seconds in which a fault is shown."""
BACK = 3.0
"""Seconds in which a return is seen."""


class Watch:
    """The service over one URL, and how long it took to say a thing."""

    def __init__(self, url: str) -> None:
        self.bus = Ear()
        self.containers = Containers(ApiPodman(url, {}), self.bus, SystemClock())

    def comes_to(self, *states: SourceState, within: float) -> Fleet:
        """Wait until the newest fleet has one of the states, in ``within`` seconds from now."""
        began = time.monotonic()
        fleet: Fleet = self.bus.until(
            Topic.FLEET, lambda _: self.containers.fleet().source.state in states, within=within
        )
        fleet = self.containers.fleet()
        assert time.monotonic() - began <= within
        return fleet

    def measured_after(self, moment: float) -> None:
        """Wait until a list was measured after ``moment``."""
        self.bus.until(Topic.USAGE, lambda _: (self.containers.fleet().at or 0.0) > moment)

    def tells_more_than(self, count: int, *, within: float) -> None:
        """Wait until the fleet was told more than ``count`` times."""
        self.bus.until(Topic.FLEET, lambda _: len(self.bus.all(Topic.FLEET)) > count, within=within)


@pytest.fixture
def watch() -> Iterator[Callable[[str], Watch]]:
    made: list[Watch] = []

    def begin(url: str) -> Watch:
        made.append(Watch(url))
        made[-1].containers.start()
        return made[-1]

    yield begin
    for one in made:
        one.containers.stop()


def test_absent_then_there(service: Service, watch: Callable[[str], Watch]) -> None:
    seen = watch(service.url)
    fleet = seen.comes_to(ABSENT, within=SHOWN)
    assert str(service.path) in fleet.source.tried
    assert "podman.socket" in fleet.source.hint
    assert fleet.at is None
    service.start()
    assert seen.comes_to(OK, within=BACK).source.last_ok is not None


def test_killed_and_started_again(service: Service, watch: Callable[[str], Watch], bed: RealBed) -> None:
    service.start()
    ident = bed.make("a")
    seen = watch(service.url)
    seen.bus.until(Topic.FLEET, lambda fleet: any(one.id == ident for one in fleet.containers))
    for _ in range(3):
        service.kill()
        fleet = seen.comes_to(FAILED, REFUSED, ABSENT, within=SHOWN)
        assert any(one.id == ident for one in fleet.containers), "the last measured list stays"
        assert fleet.source.detail
        service.start()
        seen.comes_to(OK, within=BACK)
    bed.podman.stop(ident, 0)
    seen.bus.until(
        Topic.FLEET, lambda f: any(one.id == ident and one.state is ContainerState.EXITED for one in f.containers)
    )


def test_what_happened_while_it_was_away_is_found(
    service: Service, watch: Callable[[str], Watch], bed: RealBed
) -> None:
    service.start()
    idents = [bed.make(name) for name in "abc"]
    seen = watch(service.url)
    seen.bus.until(Topic.FLEET, lambda fleet: set(idents) <= {one.id for one in fleet.containers})
    service.kill()
    seen.comes_to(FAILED, REFUSED, ABSENT, within=SHOWN)
    bed.podman.remove(idents[0], force=True)
    bed.podman.stop(idents[1], 0)
    service.start()
    seen.comes_to(OK, within=BACK)

    def right(fleet: Fleet) -> bool:
        rows = {one.id: one.state for one in fleet.containers}
        return idents[0] not in rows and rows.get(idents[1]) is ContainerState.EXITED and idents[2] in rows

    seen.bus.until(Topic.FLEET, right, within=BACK)


def test_frozen_and_continued(service: Service, watch: Callable[[str], Watch]) -> None:
    service.start()
    seen = watch(service.url)
    seen.comes_to(OK, within=BACK)
    service.send(signal.SIGSTOP)
    fleet = seen.comes_to(HANGING, within=SHOWN)
    assert "not answer" in fleet.source.detail
    service.send(signal.SIGCONT)
    seen.comes_to(OK, within=BACK)


def test_frozen_from_the_start(service: Service, watch: Callable[[str], Watch]) -> None:
    service.start()
    service.send(signal.SIGSTOP)
    seen = watch(service.url)
    seen.comes_to(HANGING, within=SHOWN)
    service.send(signal.SIGCONT)
    seen.comes_to(OK, within=BACK)


@pytest.mark.parametrize(
    ("mode", "states"),
    [
        ("garbage", (FAILED,)),
        ("half", (FAILED,)),
        ("wrong", (FAILED,)),
        ("broken", (FAILED,)),
        ("refuse", (FAILED,)),
        ("other object", (FAILED,)),
        ("OK", (FAILED,)),
        ("hang", (HANGING,)),
        ("drip", (HANGING, FAILED)),
    ],
)
def test_a_socket_that_misbehaves(
    proxy: Proxy, watch: Callable[[str], Watch], mode: str, states: tuple[SourceState, ...]
) -> None:
    seen = watch(proxy.url)
    seen.comes_to(OK, within=BACK)
    proxy.switch(mode)
    fleet = seen.comes_to(*states, within=SHOWN)
    assert fleet.source.detail.endswith(".")
    assert fleet.source.hint
    proxy.switch("pass")
    seen.comes_to(OK, within=20.0 if mode == "drip" else BACK)


@pytest.mark.parametrize("times", [5, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_a_stream_that_is_cut_again_and_again(proxy: Proxy, watch: Callable[[str], Watch], times: int) -> None:
    seen = watch(proxy.url)
    for _ in range(times):
        seen.comes_to(OK, within=BACK)
        seen.measured_after(time.time() - 0.1)
        told = len(seen.bus.all(Topic.FLEET))
        proxy.cut()
        seen.tells_more_than(told, within=SHOWN)
    seen.comes_to(OK, within=BACK)


def test_a_slow_answer_is_waited_for(proxy: Proxy) -> None:
    proxy.mode, proxy.delay = "slow", 0.6
    podman = ApiPodman(proxy.url, {})
    try:
        assert podman.list() is not None
    finally:
        podman.close()


@pytest.mark.parametrize("mode", ["garbage", "half", "wrong", "broken", "refuse", *ODD])
def test_calls_say_one_sentence(proxy: Proxy, mode: str) -> None:
    proxy.mode = mode
    podman = ApiPodman(proxy.url, {})
    try:
        calls: tuple[Callable[[], object], ...] = (
            *([podman.connect] if mode != "OK" else []),
            podman.list,
            podman.volumes,
            lambda: podman.inspect("x"),
            lambda: [*podman.events()],
        )
        for call in calls:
            with pytest.raises(Exception) as caught:  # noqa: PT011  each kind is looked at below
                call()
            assert type(caught.value).__name__ in ("PodmanDown", "PodmanSays")
            assert str(caught.value).count("\n") == 0
    finally:
        podman.close()


def test_a_client_outlives_its_service(service: Service) -> None:
    service.start()
    podman = ApiPodman(service.url, {})
    try:
        assert podman.connect()
        ended = threading.Event()
        error: list[Exception] = []

        def read() -> None:
            try:
                for _ in podman.events():
                    pass
            except PodmanDown as down:
                error.append(down)
            ended.set()

        threading.Thread(target=read, daemon=True).start()
        service.kill()
        assert ended.wait(SHOWN), "the stream's reader must end with the service"
        assert error
        with pytest.raises(PodmanDown):
            podman.list()
        service.start()
        assert podman.list() is not None
    finally:
        podman.close()


def test_nobody_listens(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(short / "dead.sock"))
    with pytest.raises(PodmanDown, match="accepts us") as caught:
        ApiPodman(f"unix://{short}/dead.sock", {}).connect()
    assert caught.value.state is REFUSED
    assert "refused" in caught.value.tried


def test_the_usual_places_are_all_named(short: Path) -> None:
    places = sockets.places("", {"XDG_RUNTIME_DIR": str(short)})
    assert [place.path for place in places] == [f"{short}/podman/podman.sock", "/run/podman/podman.sock"]
    with pytest.raises(PodmanDown) as caught:
        sockets.first((places[0],))
    assert caught.value.state is ABSENT
    assert str(short) in caught.value.tried


@pytest.mark.parametrize(
    ("url", "env", "path"),
    [
        ("unix:///a/b.sock", {"CONTAINER_HOST": "unix:///c.sock"}, "/a/b.sock"),
        ("/a/b.sock", {}, "/a/b.sock"),
        ("", {"CONTAINER_HOST": "unix:///c.sock"}, "/c.sock"),
    ],
)
def test_what_was_named_stands_alone(url: str, env: dict[str, str], path: str) -> None:
    assert [place.path for place in sockets.places(url, env)] == [path]


@pytest.mark.parametrize("url", ["ssh://root@host/run/podman.sock", "tcp://1.2.3.4:8080", "nonsense", "unix://rel"])
def test_other_urls_are_refused_with_the_way_out(url: str) -> None:
    podman = ApiPodman(url, {})
    with pytest.raises(PodmanDown, match="ssh -N -L"):
        podman.connect()
    assert podman.tried() == url
