"""The machine, measured every two seconds by one thread: processor, memory, disks, network, GPUs."""

from __future__ import annotations

import logging
import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import psutil

from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.observe.gpu import GpuReader
from aistack_backend.wire.events import Topic
from aistack_backend.wire.host import Disk, HostSample
from aistack_backend.wire.sources import Source, SourceState

EVERY = 2.0
"""Seconds between two samples."""
log = logging.getLogger(__name__)


class HostWatcher:
    """Publishes a :class:`HostSample` on the bus each ``EVERY`` seconds until it is stopped."""

    def __init__(
        self, bus: Bus, clock: Clock, paths: dict[str, Path], gpus: GpuReader | None = None, every: float = EVERY
    ) -> None:
        """``paths`` maps a label to a folder; one disk is shown for each file system among them."""
        self._bus = bus
        self._clock = clock
        self._meter = Meter(clock, paths, gpus or GpuReader(clock))
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host", daemon=True)
        self._lock = threading.Lock()
        self._source = Source(name="host", state=SourceState.UNKNOWN, since=clock.now())

    def start(self) -> None:
        """Begin to measure."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a sample that is being taken is finished first."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def source(self) -> Source:
        """How the measuring goes."""
        with self._lock:
            return self._source

    def _run(self) -> None:
        while True:
            self._step()
            if self._stop.wait(self._every):
                self._meter.close()
                return

    def _step(self) -> None:
        try:
            sample = self._meter.sample()
        except (OSError, psutil.Error, ValueError) as error:
            log.warning("The host could not be measured: %s", error)
            self._note(SourceState.FAILED, f"The machine's counters could not be read: {error}.")
            return
        self._note(SourceState.OK, "")
        self._bus.publish(Topic.HOST, sample)

    def _note(self, state: SourceState, detail: str) -> None:
        now = self._clock.now()
        with self._lock:
            since = self._source.since if self._source.state is state else now
            last_ok = now if state is SourceState.OK else self._source.last_ok
            self._source = replace(self._source, state=state, since=since, last_ok=last_ok, detail=detail)


class Meter:
    """Takes one sample at a time; keeps the last counters, from which rates are made."""

    def __init__(self, clock: Clock, paths: dict[str, Path], gpus: GpuReader) -> None:
        self._clock = clock
        self._paths = paths
        self._gpus = gpus
        self._hostname = socket.gethostname()
        self._seen: _Counters | None = None

    def sample(self) -> HostSample:
        """Measure now. Rates and processor use are None in the first sample.

        Raises:
            OSError, psutil.Error: the kernel's files cannot be read.
        """
        before, now = self._seen, _Counters(self._clock.mono())
        cpu = psutil.cpu_percent(interval=None)
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        gpus, gpu_source = self._gpus.read()
        self._seen = now
        return HostSample(
            at=self._clock.now(),
            hostname=self._hostname,
            cores=os.cpu_count() or 1,
            cpu_percent=cpu if before else None,
            load=os.getloadavg(),
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            swap_used=swap.used,
            swap_total=swap.total,
            disks=disks(self._paths),
            disk_read_rate=now.rate(before, "read"),
            disk_write_rate=now.rate(before, "write"),
            net_in_rate=now.rate(before, "net_in"),
            net_out_rate=now.rate(before, "net_out"),
            gpus=gpus,
            gpu_source=gpu_source,
        )

    def close(self) -> None:
        """Let go of the GPU library."""
        self._gpus.close()


class _Counters:
    """The kernel's counters at one moment; a counter the machine does not have is None."""

    def __init__(self, at: float) -> None:
        self.at = at
        disk = psutil.disk_io_counters(nowrap=True)
        ports = psutil.net_io_counters(pernic=True, nowrap=True)
        real = [counters for name, counters in ports.items() if name != "lo"]
        self.values: dict[str, int | None] = {
            "read": disk.read_bytes if disk else None,
            "write": disk.write_bytes if disk else None,
            "net_in": sum(port.bytes_recv for port in real) if real else None,
            "net_out": sum(port.bytes_sent for port in real) if real else None,
        }

    def rate(self, before: _Counters | None, name: str) -> float | None:
        """Bytes a second since ``before``; None without two readings, or after a counter began anew."""
        new, old = self.values[name], before.values[name] if before else None
        if before is None or new is None or old is None or new < old or self.at <= before.at:
            return None
        return (new - old) / (self.at - before.at)


def disks(paths: dict[str, Path]) -> tuple[Disk, ...]:
    """Return the file systems under those folders, each once, under the first label that named it."""
    found: dict[int, Disk] = {}
    for label, path in paths.items():
        try:
            device, usage = path.stat().st_dev, psutil.disk_usage(str(path))
        except OSError:
            continue  # a folder that is gone has no disk to show
        found.setdefault(device, Disk(path=str(path), label=label, used=usage.used, total=usage.used + usage.free))
    return tuple(found.values())
