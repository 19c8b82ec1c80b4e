"""Names of the recorded metrics, and how they are read off the samples. What was not measured is not recorded.

``host.cpu`` (percent of all cores) · ``host.memory`` ``host.swap`` (bytes) · ``host.load`` (1 minute) ·
``host.disk.LABEL`` (bytes used) · ``host.disk_read`` ``host.disk_write`` ``host.net_in`` ``host.net_out`` (bytes/s) ·
``gpu.N.utilization`` ``gpu.N.memory`` ``gpu.N.temperature`` ``gpu.N.power`` ·
``container.ID.cpu`` (percent of one core) ``container.ID.memory`` (bytes) ``container.ID.pids``
``container.ID.net_in|net_out|block_in|block_out`` (bytes since its start)
"""

from __future__ import annotations

from aistack_backend.observe.ring import Metric
from aistack_backend.wire.containers import UsageTable
from aistack_backend.wire.host import HostSample

HOST = {
    "cpu": "cpu_percent",
    "memory": "memory_used",
    "swap": "swap_used",
    "disk_read": "disk_read_rate",
    "disk_write": "disk_write_rate",
    "net_in": "net_in_rate",
    "net_out": "net_out_rate",
}
GPU = {"utilization": "utilization", "memory": "memory_used", "temperature": "temperature", "power": "power"}
CONTAINER = {"cpu": "cpu_percent"} | {
    name: name for name in ("memory", "net_in", "net_out", "block_in", "block_out", "pids")
}


def host_metrics(sample: HostSample) -> list[Metric]:
    """Return the metrics of one sample of the machine."""
    rows = _read(sample, HOST, "host", sample.at)
    if sample.load:
        rows.append(Metric("host.load", sample.at, sample.load[0]))
    rows += [Metric(f"host.disk.{disk.label}", sample.at, disk.used) for disk in sample.disks]
    for gpu in sample.gpus:
        rows += _read(gpu, GPU, f"gpu.{gpu.index}", sample.at)
    return rows


def usage_metrics(table: UsageTable) -> list[Metric]:
    """Return the metrics of one sample of all containers."""
    return [metric for row in table.rows for metric in _read(row, CONTAINER, f"container.{row.id}", row.at)]


def _read(sample: object, names: dict[str, str], prefix: str, at: float) -> list[Metric]:
    values = ((name, getattr(sample, attribute)) for name, attribute in names.items())
    return [Metric(f"{prefix}.{name}", at, float(value)) for name, value in values if value is not None]
