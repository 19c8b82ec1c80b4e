"""The machine as it is: rates from two samples, one disk a file system, and a thread that ends."""

from __future__ import annotations

import threading
from pathlib import Path

from aistack_backend.bus import Bus
from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.observe.gpu import GpuReader
from aistack_backend.observe.host import HostWatcher, Meter, disks
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.sources import SourceState


class HeardBus(Bus):
    """A bus that lets a test wait for a number of samples."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.heard = threading.Condition()

    def publish(self, topic: Topic, data: object) -> None:
        super().publish(topic, data)
        with self.heard:
            self.count += 1
            self.heard.notify_all()

    def wait(self, count: int) -> bool:
        with self.heard:
            return self.heard.wait_for(lambda: self.count >= count, 60)


def test_rates_need_two_samples(tmp_path: Path) -> None:
    clock = HandClock()
    meter = Meter(clock, {"data": tmp_path}, GpuReader(clock, root=tmp_path))
    first = meter.sample()
    assert (first.cpu_percent, first.net_in_rate, first.disk_read_rate) == (None, None, None)
    clock.advance(2)
    second = meter.sample()
    assert second.cpu_percent is not None
    assert 0 <= second.cpu_percent <= 100
    for rate in (second.net_in_rate, second.disk_read_rate):
        assert rate is None or rate >= 0
    assert second.memory_used is not None
    assert second.memory_total is not None
    assert 0 < second.memory_used < second.memory_total


def test_a_file_system_is_shown_once_and_a_missing_folder_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    shown = disks({"data": tmp_path, "below": tmp_path / "below", "gone": tmp_path / "gone"})
    assert [disk.label for disk in shown] == ["data"]
    assert 0 < shown[0].used <= shown[0].total


def test_the_watcher_publishes_and_ends(tmp_path: Path) -> None:
    bus = HeardBus()
    watcher = HostWatcher(bus, SystemClock(), {"data": tmp_path}, GpuReader(SystemClock(), root=tmp_path), every=0.01)
    watcher.start()
    assert bus.wait(3)
    watcher.stop()
    assert watcher.source().state is SourceState.OK
    sample = bus.latest(Topic.HOST)
    assert isinstance(sample, HostSample)
    assert sample.gpu_source is not None
    assert sample.gpu_source.state is SourceState.ABSENT
    assert not any(thread.name == "host" for thread in threading.enumerate())
