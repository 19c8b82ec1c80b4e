"""GPUs: NVIDIA by NVML, AMD and Intel by sysfs. A machine without one is a normal state and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from aistack_backend.clock import Clock
from aistack_backend.observe.nvml import Nvml
from aistack_backend.observe.sysfs import Sysfs
from aistack_backend.wire.host import Gpu
from aistack_backend.wire.sources import Source, SourceState

NONE_FOUND = "No GPU found."


class Driver(Protocol):
    """One way to read GPUs."""

    name: str

    def read(self, first_index: int) -> tuple[tuple[Gpu, ...], str]:
        """Return the GPUs, numbered from ``first_index``, and one sentence of what went wrong ("" = nothing)."""
        ...

    def close(self) -> None:
        """Let go of the driver's library."""
        ...


class GpuReader:
    """Asks every driver; keeps since when the present state holds."""

    def __init__(self, clock: Clock, drivers: tuple[Driver, ...] | None = None, root: Path = Path("/")) -> None:
        self._clock = clock
        self._drivers = drivers if drivers is not None else (Nvml(root), Sysfs(root))
        self._last = Source(name="gpu", state=SourceState.UNKNOWN, since=clock.now())

    def read(self) -> tuple[tuple[Gpu, ...], Source]:
        """Return every GPU and how the reading went; ABSENT when there is none and nothing failed."""
        gpus: tuple[Gpu, ...] = ()
        faults = []
        for driver in self._drivers:
            found, fault = driver.read(len(gpus))
            gpus += found
            if fault:
                faults.append(fault)
        now = self._clock.now()
        state = SourceState.FAILED if faults else SourceState.OK if gpus else SourceState.ABSENT
        since = self._last.since if self._last.state is state else now
        self._last = Source(
            name="gpu",
            state=state,
            since=since,
            last_ok=now if gpus else self._last.last_ok,
            tried=", ".join(driver.name for driver in self._drivers),
            detail=" ".join(faults) or ("" if gpus else NONE_FOUND),
        )
        return gpus, self._last

    def close(self) -> None:
        """Let go of every driver."""
        for driver in self._drivers:
            driver.close()
