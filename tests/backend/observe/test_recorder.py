"""The recorder: bounded, in batches, and never in the way when its file is full, damaged or gone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.disk import small_disk

from aistack_backend.bus import Bus, Event
from aistack_backend.clock import HandClock
from aistack_backend.observe import recorder as module
from aistack_backend.observe.recorder import Recorder
from aistack_backend.observe.ring import POINTS, Batch, Metric, Ring
from aistack_backend.wire.containers import Activity, Container, ContainerState, Fleet, Usage, UsageTable
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Disk, HostSample
from aistack_backend.wire.sources import Source, SourceState

WALL = 1_700_000_000.0
OK = Source(name="podman", state=SourceState.OK, since=WALL)


def host(at: float, cpu: float | None) -> Event:
    disk = Disk(path="/", label="root", used=5, total=9)
    sample = HostSample(at=at, hostname="h", cores=2, cpu_percent=cpu, load=(0.5, 0, 0), disks=(disk,))
    return Event(1, Topic.HOST, sample)


def fleet(at: float, source: Source = OK, **states: ContainerState) -> Event:
    boxes = tuple(Container(id=name * 64, name=name, image="i", state=state) for name, state in states.items())
    return Event(1, Topic.FLEET, Fleet(at=at, source=source, containers=boxes))


@pytest.fixture
def clock() -> HandClock:
    return HandClock(wall=WALL)


def made(tmp_path: Path, clock: HandClock, **bounds: int) -> Recorder:
    return Recorder(tmp_path / "recorder.db", Bus(), clock, **bounds)


def rows(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(tmp_path / "recorder.db")
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_a_series_holds_what_was_measured_written_or_not(tmp_path: Path, clock: HandClock) -> None:
    recorder = made(tmp_path, clock)
    recorder.take(host(WALL - 4, None))
    recorder.take(host(WALL - 2, 20.0))
    recorder.flush()
    recorder.take(host(WALL, 30.0))
    series = recorder.series("host.cpu")
    assert (series.times, series.values) == ((WALL - 2, WALL), (20.0, 30.0))
    assert recorder.series("host.load").values == (0.5, 0.5, 0.5)
    assert recorder.series("host.disk.root").values == (5.0, 5.0, 5.0)
    assert recorder.series("host.cpu", since=WALL - 1).values == (30.0,)
    assert recorder.series("never.recorded").times == ()


def test_containers_are_sampled_no_more_often_than_said(tmp_path: Path, clock: HandClock) -> None:
    recorder = made(tmp_path, clock)
    for second in range(11):
        usage = Usage(id="a" * 64, at=WALL + second, cpu_percent=float(second), memory=None)
        recorder.take(Event(1, Topic.USAGE, UsageTable(at=WALL + second, rows=(usage,))))
    clock.advance(20)
    series = recorder.series(f"container.{'a' * 64}.cpu", since=WALL)
    assert series.values == (0.0, 5.0, 10.0)
    assert recorder.series(f"container.{'a' * 64}.memory", since=WALL).values == ()


def test_only_changes_of_state_are_kept(tmp_path: Path, clock: HandClock) -> None:
    recorder = made(tmp_path, clock)
    running, exited = ContainerState.RUNNING, ContainerState.EXITED
    recorder.take(fleet(1, a=running, b=running))
    recorder.take(fleet(2, a=running, b=exited))
    recorder.take(fleet(3, source=Source(name="podman", state=SourceState.FAILED, since=3)))
    recorder.take(fleet(4, b=exited))
    recorder.take(Event(1, Topic.ACTIVITY, Activity(at=5, who="podman", text="died", object_name="b", action="died")))
    recorder.flush()
    found = rows(tmp_path, "SELECT at, substr(object, 1, 1), state FROM state ORDER BY id")
    assert found == [(1, "a", "running"), (1, "b", "running"), (2, "b", "exited"), (4, "a", "removed")]
    assert rows(tmp_path, "SELECT who, text, name, action FROM happening") == [("podman", "died", "b", "died")]


def test_the_ring_is_bounded_by_rows(tmp_path: Path, clock: HandClock) -> None:
    recorder = made(tmp_path, clock, max_rows=30)
    for second in range(40):
        recorder.take(host(WALL + second, 1.0))
        recorder.flush()
    assert rows(tmp_path, "SELECT count(*) FROM metric") == [(30,)]
    clock.advance(60)
    assert recorder.series("host.cpu", since=WALL).times[-1] == WALL + 39


def test_the_ring_is_bounded_by_bytes(tmp_path: Path, clock: HandClock) -> None:
    recorder = made(tmp_path, clock, max_bytes=256 * 1024)
    for second in range(6_000):
        recorder.take(host(WALL + second, 1.0))
        if second % 100 == 99:
            recorder.flush()
            assert recorder.source().state is SourceState.OK
    assert (tmp_path / "recorder.db").stat().st_size <= 256 * 1024
    clock.advance(6_000)
    assert recorder.series("host.cpu", since=WALL).times[-1] > WALL + 5_990


def test_a_long_series_is_averaged(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "r.db", 2**24, 10**6)
    ring.write(Batch([Metric("m", float(at), float(at)) for at in range(5_000)], [], []))
    series = ring.series("m", 0.0, 5_000.0)
    ring.close()
    assert POINTS / 2 < len(series.times) <= POINTS + 1
    assert series.values == pytest.approx(series.times)
    assert list(series.times) == sorted(series.times)


@pytest.fixture
def little(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", "1m") as place:
        yield place


def test_a_full_disk_is_said_and_recovered_from(little: Path, clock: HandClock) -> None:
    recorder = made(little, clock)
    recorder.take(host(WALL, 1.0))
    recorder.flush()
    filler = little / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 2_000_000)
    for second in range(3_000):
        recorder.take(host(WALL + second, 2.0))
    recorder.flush()
    source = recorder.source()
    assert source.state is SourceState.FAILED
    assert "full" in source.detail
    assert source.hint
    filler.unlink()
    clock.advance(3_000)
    recorder.flush()
    assert recorder.source().state is SourceState.OK
    assert recorder.series("host.cpu", since=WALL + 1).values[-1] == 2.0
    recorder.stop()


def test_what_cannot_be_written_is_bounded_and_counted(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD", 10)
    recorder = Recorder(tmp_path / "missing" / "recorder.db", Bus(), clock)
    for second in range(20):
        recorder.take(host(WALL + second, 1.0))
        recorder.flush()
    assert recorder.source().state is SourceState.FAILED
    (tmp_path / "missing").mkdir()
    recorder.flush()
    assert recorder.source().detail == "50 measurements were lost while it could not be written."


@pytest.mark.parametrize("damage", [b"this is no database at all, whatever its name may say", b""])
def test_a_damaged_file_is_put_aside(tmp_path: Path, clock: HandClock, damage: bytes) -> None:
    path = tmp_path / "recorder.db"
    path.write_bytes(damage * 100)
    recorder = made(tmp_path, clock)
    recorder.take(host(WALL, 1.0))
    recorder.flush()
    assert recorder.source().state is SourceState.OK
    assert recorder.series("host.cpu").values == (1.0,)
    assert ("was damaged" in recorder.source().detail) is bool(damage)


class Heard(Recorder):
    """A recorder that lets a test wait until it took an event."""

    took = threading.Event()

    def take(self, event: Event) -> None:
        super().take(event)
        if event.topic is Topic.HOST:
            self.took.set()


def test_the_thread_records_what_the_bus_says(tmp_path: Path, clock: HandClock) -> None:
    bus = Bus()
    bus.publish(Topic.HOST, host(WALL, 7.0).data)
    recorder = Heard(tmp_path / "recorder.db", bus, clock, every=60)
    recorder.start()
    assert recorder.took.wait(10)
    recorder.stop()
    found = rows(tmp_path, "SELECT value FROM metric m JOIN name n ON n.id = m.name WHERE n.name = 'host.cpu'")
    assert found == [(7.0,)]
    assert not any(thread.name == "recorder" for thread in threading.enumerate())


def test_a_recorder_stopped_at_once_ends(tmp_path: Path, clock: HandClock) -> None:
    recorder = made(tmp_path, clock)
    recorder.start()
    recorder.stop()
    assert not any(thread.name == "recorder" for thread in threading.enumerate())
