"""The machine: processor, memory, disks, network, GPUs."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.wire.base import Word
from aistack_backend.wire.sources import Source


class GpuVendor(Word):
    """Whose driver a GPU was read from."""

    NVIDIA = "nvidia"
    AMD = "amd"
    INTEL = "intel"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """One process that holds memory of a GPU."""

    pid: int
    name: str
    memory: int | None = None
    container_id: str = ""
    """From the process's cgroup; empty = not in a container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU; a value that the driver hides is None."""

    index: int
    name: str
    vendor: GpuVendor
    utilization: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: float | None = None
    power: float | None = None
    processes: tuple[GpuProcess, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One file system that matters to us."""

    path: str
    label: str
    used: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSample:
    """One sample of the machine; rates are over the last interval, None until two samples were seen."""

    at: float
    hostname: str
    cores: int
    cpu_percent: float | None = None
    """Percent of all cores together, 0 to 100."""
    load: tuple[float, float, float] | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    swap_used: int | None = None
    swap_total: int | None = None
    disks: tuple[Disk, ...] = ()
    disk_read_rate: float | None = None
    disk_write_rate: float | None = None
    net_in_rate: float | None = None
    net_out_rate: float | None = None
    gpus: tuple[Gpu, ...] = ()
    gpu_source: Source | None = None
    """How the GPUs were read; ABSENT with no GPU, which is a normal state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A recorded metric, oldest first, from the recorder's ring."""

    name: str
    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
