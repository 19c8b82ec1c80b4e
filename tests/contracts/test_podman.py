"""The contract of ``containers.port.Podman``, kept by every adapter."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.contracts.podman_beds import BEDS, PROBE, Bed, read

from aistack_backend.containers import sandbox_spec
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.models import Event, Spec
from aistack_backend.errors import BackendError, NotFound
from aistack_backend.wire.containers import ContainerState, Health, LogLine, LogStream

UNKNOWN = "f" * 64
ENDED = (ContainerState.EXITED, ContainerState.STOPPED)


@pytest.fixture(params=["memory", pytest.param("podman", marks=pytest.mark.podman)])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    made = BEDS[request.param]()
    try:
        yield made
    finally:
        made.close()


class Background:
    """Reads a feed in a thread, so that the test can wait for what it saw."""

    def __init__(self, feed: Any) -> None:
        self.feed = feed
        self.items: list[Any] = []
        self.error: BackendError | None = None
        self._news = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            for item in self.feed:
                with self._news:
                    self.items.append(item)
                    self._news.notify_all()
        except BackendError as error:
            self.error = error

    def until(self, seen: Callable[[list[Any]], bool]) -> list[Any]:
        with self._news:
            assert self._news.wait_for(lambda: seen(self.items), 60), self.items
            return list(self.items)

    def closes_within(self, seconds: float) -> None:
        began = time.monotonic()
        self.feed.close()
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"the reader did not end in {seconds} s"
        assert time.monotonic() - began < seconds
        assert self.error is None


def lines(bed: Bed, ident: str, **wish: Any) -> list[LogLine]:
    wish = {"tail": -1, "since": None, "follow": False} | wish
    return [line for block in bed.podman.logs(ident, **wish) for line in block]


def test_it_answers(bed: Bed) -> None:
    assert bed.podman.connect()
    assert bed.podman.tried()
    assert bed.podman.signature() == bed.podman.signature()


def test_list_and_inspect_tell_the_same(bed: Bed) -> None:
    ident = bed.make("a")
    row = next(c for c in bed.podman.list() if c.id == ident)
    full = bed.podman.inspect(ident).container
    assert (row.id, row.name, row.state) == (full.id, full.name, full.state)
    assert row.name == bed.name("a")
    assert row.state is ContainerState.RUNNING
    assert (row.image, row.image_id, row.labels, row.command) == (full.image, full.image_id, full.labels, full.command)
    assert row.health is full.health is Health.NONE
    assert row.pid == full.pid is not None
    assert row.exit_code is None
    assert row.finished_at is None
    assert row.started_at is not None
    assert full.started_at is not None
    assert int(row.started_at) == int(full.started_at)
    assert bed.podman.inspect(bed.name("a")).container.id == ident


def test_list_of_some(bed: Bed) -> None:
    first, second, _ = (bed.make(name, running=False) for name in "abc")
    assert {c.id for c in bed.podman.list([first, second])} == {first, second}
    assert bed.podman.list([UNKNOWN]) == ()
    assert bed.podman.list([first])[0].state in (ContainerState.CREATED, ContainerState.CONFIGURED)
    assert bed.podman.list([first])[0].started_at is None


@pytest.mark.parametrize("call", ["inspect", "start", "kill", "pause", "unpause", "remove", "top"])
def test_what_does_not_exist_is_not_found(bed: Bed, call: str) -> None:
    with pytest.raises(NotFound):
        getattr(bed.podman, call)(UNKNOWN)


def test_more_of_what_does_not_exist(bed: Bed) -> None:
    for call in (
        lambda: bed.podman.stop(UNKNOWN, 1),
        lambda: bed.podman.restart(UNKNOWN, 1),
        lambda: bed.podman.exec(UNKNOWN, ["true"], 5),
        lambda: bed.podman.healthcheck(UNKNOWN, 5),
        lambda: lines(bed, UNKNOWN),
        lambda: bed.podman.volume("no-such-volume"),
        lambda: bed.podman.remove_volume("no-such-volume"),
        lambda: bed.podman.image("localhost/no-such-image:1"),
    ):
        with pytest.raises(NotFound):
            call()


def test_start_and_stop_twice_are_fine(bed: Bed) -> None:
    ident = bed.make("a", running=False)
    bed.podman.start(ident)
    bed.podman.start(ident)
    assert bed.podman.inspect(ident).container.state is ContainerState.RUNNING
    bed.podman.stop(ident, 1)
    bed.podman.stop(ident, 1)
    row = bed.podman.list([ident])[0]
    assert row.state in ENDED
    assert row.exit_code is not None
    assert row.finished_at is not None
    assert row.pid is None


def test_restart_is_another_run(bed: Bed) -> None:
    ident = bed.make("a")
    before = bed.podman.inspect(ident)
    bed.podman.restart(ident, 1)
    after = bed.podman.inspect(ident)
    assert after.container.state is ContainerState.RUNNING
    assert after.started > before.started


def test_kill_pause_unpause(bed: Bed) -> None:
    ident = bed.make("a")
    bed.podman.pause(ident)
    assert bed.podman.list([ident])[0].state is ContainerState.PAUSED
    with pytest.raises(PodmanSays):
        bed.podman.pause(ident)
    bed.podman.unpause(ident)
    with pytest.raises(PodmanSays):
        bed.podman.unpause(ident)
    bed.podman.kill(ident)
    assert bed.podman.wait(ident, 10) == 137
    with pytest.raises(PodmanSays, match="running"):
        bed.podman.kill(ident)


def test_remove_keeps_volumes(bed: Bed) -> None:
    volume = bed.volume("v")
    ident = bed.make("a", volume=volume)
    with pytest.raises(PodmanSays):
        bed.podman.remove(ident)
    with pytest.raises(PodmanSays):
        bed.podman.remove_volume(volume)
    assert [user.id for user in bed.podman.volume_users(volume)] == [ident]
    assert bed.podman.inspect(ident).mounts[0].name == volume
    bed.podman.remove(ident, force=True)
    assert bed.podman.list([ident]) == ()
    assert volume in {one.name for one in bed.podman.volumes()}
    assert bed.podman.volume(volume).created
    assert bed.podman.volume_users(volume) == ()
    bed.podman.remove_volume(volume)
    assert volume not in {one.name for one in bed.podman.volumes()}


def test_wait(bed: Bed) -> None:
    assert bed.podman.wait(bed.make("a", "sh", "-c", "exit 3"), 10) == 3
    with pytest.raises(TimeoutError):
        bed.podman.wait(bed.make("b"), 0.2)


def test_logs(bed: Bed) -> None:
    ident = bed.make("a", "sh", "-c", "echo one; echo two >&2; echo three")
    bed.podman.wait(ident, 10)
    got = lines(bed, ident)
    assert sorted((line.text, line.stream) for line in got) == [
        ("one", LogStream.STDOUT),
        ("three", LogStream.STDOUT),
        ("two", LogStream.STDERR),
    ]
    assert all(line.at is not None and abs(line.at - time.time()) < 60 for line in got)
    assert len(lines(bed, ident, tail=1)) == 1
    assert lines(bed, ident, tail=0) == []
    assert len(lines(bed, ident, since=time.time() - 60)) == 3
    assert lines(bed, ident, since=time.time() + 60) == []


def test_follow_ends_with_the_container(bed: Bed) -> None:
    ident = bed.make("a", "sh", "-c", "echo hello; sleep 1000")
    follower = Background(bed.podman.logs(ident, tail=-1, since=None, follow=True))
    follower.until(lambda blocks: any(line.text == "hello" for block in blocks for line in block))
    bed.podman.stop(ident, 1)
    follower.thread.join(10)
    assert not follower.thread.is_alive()
    assert follower.error is None


def test_a_quiet_follow_can_be_closed_from_another_thread(bed: Bed) -> None:
    ident = bed.make("a")
    Background(bed.podman.logs(ident, tail=-1, since=None, follow=True)).closes_within(1.0)


def test_a_feed_closed_before_it_is_read_is_empty(bed: Bed) -> None:
    for feed in (bed.podman.logs(bed.make("a"), tail=-1, since=None, follow=True), bed.podman.events()):
        feed.close()
        feed.close()
        assert list(feed) == []


def test_exec_keeps_the_streams_apart(bed: Bed) -> None:
    ident = bed.make("a")
    done = bed.podman.exec(ident, ["sh", "-c", "echo out; echo err >&2; exit 3"], 10)
    assert (done.exit_code, done.out, done.err) == (3, b"out\n", b"err\n")
    assert bed.podman.exec(ident, ["no-such-program"], 10).exit_code == 127
    bed.podman.stop(ident, 1)
    with pytest.raises(PodmanSays):
        bed.podman.exec(ident, ["true"], 10)


def test_usage_of_all_in_one_stream(bed: Bed) -> None:
    early = bed.make("a")
    feed = Background(bed.podman.stats(1))
    feed.until(lambda samples: any(row.id == early for row in samples[-1]) if samples else False)
    late = bed.make("b")
    samples = feed.until(lambda samples: {early, late} <= {row.id for row in samples[-1] if row.pids})
    row = next(row for row in samples[-1] if row.id == early)
    assert row.memory is not None
    assert row.memory_limit
    feed.closes_within(1.0)


def test_events(bed: Bed) -> None:
    feed = Background(bed.podman.events())
    began = time.time() - 1
    ident = bed.make("a", running=False)

    def actions(events: list[Event]) -> list[str]:
        return [event.action for event in events if event.id == ident]

    # The API's stream begins when the service has got to it: start and stop until it tells of it.
    for _ in range(20):
        bed.podman.start(ident)
        bed.podman.stop(ident, 1)
        if "died" in actions(feed.items):
            break
    feed.until(lambda events: "died" in actions(events))
    bed.podman.remove(ident)
    events = [event for event in feed.until(lambda e: "remove" in actions(e)) if event.id == ident]
    words = [event.action for event in events]
    assert words.index("start") < words.index("died") < words.index("remove")
    died = next(event for event in events if event.action == "died")
    assert died.exit_code is not None
    assert died.type == "container"
    assert died.name == bed.name("a")
    assert abs(died.at - time.time()) < 60
    feed.closes_within(1.0)
    past = bed.podman.past_events(ident, began)
    assert {"create", "start", "died"} <= {event.action for event in past}
    assert died.nanos in {event.nanos for event in past}
    assert bed.podman.past_events(ident, time.time() + 100) == ()


def test_health(bed: Bed) -> None:
    good, bad, none = bed.make("a", health="true"), bed.make("b", health="false"), bed.make("c")
    assert bed.podman.list([good])[0].health is Health.STARTING
    assert bed.podman.healthcheck(good, 10) is Health.HEALTHY
    assert bed.podman.healthcheck(bad, 10) is Health.UNHEALTHY
    assert {row.id: row.health for row in bed.podman.list([good, bad])} == {
        good: Health.HEALTHY,
        bad: Health.UNHEALTHY,
    }
    with pytest.raises(PodmanSays):
        bed.podman.healthcheck(none, 10)


def test_images(bed: Bed) -> None:
    image = bed.podman.image(PROBE)
    assert len(image.id) == 64
    assert bed.podman.image(image.id).id == image.id
    assert PROBE in {tag for one in bed.podman.images() for tag in one.tags}


def test_a_sandbox_is_made_exactly_as_specified(bed: Bed) -> None:
    spec = Spec(
        name=bed.name("box"),
        image=bed.podman.image(PROBE).id,
        command=("/bin/sh", "-c", "echo in; exit 4"),
        labels={"k": "v"},
    )
    ident = bed.podman.create(spec)
    made = bed.podman.inspect(ident)
    assert made.container.state in (ContainerState.CREATED, ContainerState.CONFIGURED)
    assert sandbox_spec.differences(spec, made.document) == ()
    with pytest.raises(PodmanSays, match="in use"):
        bed.podman.create(spec)
    bed.podman.start(ident)
    assert bed.podman.wait(ident, 10) == 4
    assert [line.text for line in lines(bed, ident)] == ["in"]


def test_the_labels_of_an_image_are_its_own(bed: Bed) -> None:
    assert "io.aistack.managed" not in bed.podman.image(PROBE).labels


def test_create_without_the_image(bed: Bed) -> None:
    with pytest.raises(NotFound):
        bed.podman.create(Spec(name=bed.name("x"), image="localhost/no-such:1", command=("true",), labels={}))


def test_top(bed: Bed) -> None:
    found = bed.podman.top(bed.make("a"))
    assert "PID" in found.titles
    assert any("sleep" in row[-1] for row in found.rows)


def test_eight_threads_at_once(bed: Bed) -> None:
    idents = [bed.make(f"t{i}") for i in range(3)]

    def ask(n: int) -> tuple[str, str]:
        ident = idents[n % 3]
        echoed = bed.podman.exec(ident, ["echo", str(n)], 30).out.decode().strip() if n % 4 == 0 else str(n)
        return bed.podman.inspect(ident).container.id, echoed

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(48))) == [(idents[n % 3], str(n)) for n in range(48)]


def test_reading_some_of_a_feed_and_closing_it(bed: Bed) -> None:
    bed.make("a")
    assert len(read(bed.podman.stats(1), 2)) == 2
