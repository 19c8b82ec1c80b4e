"""Resources in words: the machine, its GPUs or that there is none, and what each container uses."""

from __future__ import annotations

from aistack_backend.wire.containers import Container, Fleet, Usage, UsageTable
from aistack_backend.wire.host import Gpu, HostSample
from aistack_backend.wire.sources import Source, SourceState
from aistack_console.present.para import Para, para
from aistack_console.present.services import samples as newest
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import bar, percent, size, span
from aistack_console.present.words import source_line

USAGE_COLUMNS = (
    Column("CONTAINER", 30),
    Column("CPU%", 6, "right"),
    Column("MEM", 6, "right"),
    Column("LIMIT", 6, "right"),
    Column("MEM%", 5, "right"),
    Column("NET IN/OUT", 12, "right"),
    Column("BLOCK IN/OUT", 12, "right", min_screen_width=96),
    Column("PIDS", 5, "right"),
)
SORTS = ("cpu", "memory", "name")
"""What ``o`` goes through."""
OLD = 15.0
"""Seconds after which a sample is not shown as current."""
TIGHT, FULL = 0.8, 0.95
"""Shares of memory or disk from which a value is drawn as a warning, as bad."""


def old(at: float | None, now: float, down: float | None) -> bool:
    """Whether a sample is too old to be shown as the present."""
    return down is not None or at is None or now - at > OLD


def host_cells(host: HostSample | None, now: float, down: float | None) -> tuple[Cell, ...]:
    """Return the line about the machine; old values are named by their age."""
    if host is None:
        return (("The machine has not been measured yet.", "dim"),)
    cells: list[Cell] = [(f"{host.hostname}  {host.cores} cores  ", "accent")]
    if host.load is not None:
        cells.append("load " + " ".join(f"{value:.2f}" for value in host.load) + "  ")
    cells.append(f"swap {size(host.swap_used)}/{size(host.swap_total)}")
    if old(host.at, now, down):
        cells.append((f"  measured {span(now - host.at)} ago", "warn"))
    return tuple(cells)


def share_tone(used: float | None, total: float | None) -> Tone:
    """Return how worrying a share is."""
    if not used or not total:
        return "plain"
    share = used / total
    return "bad" if share >= FULL else "warn" if share >= TIGHT else "plain"


def disk_paras(host: HostSample | None) -> tuple[Para, ...]:
    """Return each file system that matters."""
    if host is None:
        return ()
    return tuple(
        para(
            (f"{disk.label:<9} ", "dim"),
            (f"{bar(disk.used / disk.total if disk.total else None)} ", share_tone(disk.used, disk.total)),
            f"{size(disk.used)}/{size(disk.total)}  ",
            (disk.path, "dim"),
        )
        for disk in host.disks
    )


def gpu_paras(host: HostSample | None, names: dict[str, str]) -> tuple[Para, ...]:
    """Return every GPU and who holds its memory; no GPU is a normal state, said as such."""
    if host is None:
        return (para(("Not measured yet.", "dim")),)
    if not host.gpus:
        return (_no_gpu(host.gpu_source, host.at),)
    out: list[Para] = []
    for gpu in host.gpus:
        out.append(_gpu(gpu))
        if not gpu.processes:
            out.append(para(("  no process holds its memory, or the driver does not say", "dim")))
        for process in sorted(gpu.processes, key=lambda one: -(one.memory or 0)):
            owner = names.get(process.container_id, process.container_id[:12]) or "not in a container"
            out.append(para(f"  {owner}  ", (f"{process.name}  pid {process.pid}  ", "dim"), size(process.memory)))
    return tuple(out)


def _no_gpu(source: Source | None, now: float) -> Para:
    if source is None or source.state is SourceState.ABSENT:
        return para("No GPU found: ", ("models run on the processor.", "dim"))
    if source.state is SourceState.OK:
        return para("No GPU found: ", ("the drivers were asked and named none.", "dim"))
    return para((source_line(source, now), "warn"))


def _gpu(gpu: Gpu) -> Para:
    used, total = gpu.memory_used, gpu.memory_total
    share = used / total if used is not None and total else None
    heat = "-" if gpu.temperature is None else f"{gpu.temperature:.0f}C"
    power = "-" if gpu.power is None else f"{gpu.power:.0f}W"
    return para(
        (f"GPU{gpu.index} {gpu.name}  ", "accent"),
        f"{percent(gpu.utilization)}%  ",
        (f"vram {bar(share)} {size(used)}/{size(total)}  ", share_tone(used, total)),
        f"{heat}  {power}",
    )


def usage_rows(
    fleet: Fleet | None,
    usage: UsageTable | None,
    sort: str,
    *,
    now: float,
    down: float | None,
    total: int | None = None,
) -> tuple[Row, ...]:
    """Return what each running container uses, most first; a value that was not measured is ``-``.

    ``total`` is the machine's memory: a limit that is no less is none.
    """
    if fleet is None:
        return ()
    samples = newest(usage, fleet, down, now) if usage is not None and not old(usage.at, now, down) else {}
    pairs = [(one, samples.get(one.ref)) for one in fleet.containers if one.finished_at is None or one.ref in samples]
    pairs = [(one, sample) for one, sample in pairs if sample is not None or one.state.value in {"running", "paused"}]
    if sort == "name":
        pairs.sort(key=lambda pair: pair[0].full_name)
    else:
        pairs.sort(key=lambda pair: (-_measure(pair[1], sort), pair[0].full_name))
    return tuple(_usage_row(one, sample, total) for one, sample in pairs)


def _measure(sample: Usage | None, sort: str) -> float:
    value = None if sample is None else sample.cpu_percent if sort == "cpu" else sample.memory
    return -1.0 if value is None else value


def _usage_row(one: Container, sample: Usage | None, total: int | None) -> Row:
    if sample is None:
        return Row(one.ref, (one.full_name, *(("-", "dim"),) * 7))
    limit = sample.memory_limit
    unlimited = limit is not None and total is not None and not one.host and limit >= total
    share = sample.memory / limit * 100 if sample.memory is not None and limit else None
    tone = share_tone(sample.memory, limit)
    return Row(
        one.ref,
        (
            one.full_name,
            percent(sample.cpu_percent),
            size(sample.memory),
            ("none", "dim") if unlimited else size(limit),
            (percent(share), tone),
            f"{size(sample.net_in)}/{size(sample.net_out)}",
            f"{size(sample.block_in)}/{size(sample.block_out)}",
            "-" if sample.pids is None else str(sample.pids),
        ),
    )


def budget(fleet: Fleet | None, usage: UsageTable | None, host: HostSample | None) -> tuple[Cell, ...]:
    """Return whether the memory limits of the containers add up to more than the machine has."""
    if fleet is None or usage is None or host is None or host.memory_total is None:
        return (("limits: not measured yet", "dim"),)
    own = [row for row in usage.rows if "/" not in row.id]
    limits = [row.memory_limit for row in own if row.memory_limit and row.memory_limit < host.memory_total]
    free = sum(1 for row in own if not row.memory_limit or row.memory_limit >= host.memory_total)
    if not limits:
        return ((f"none of {free} has a memory limit", "dim"),)
    total = sum(limits)
    over = total > host.memory_total
    return (
        (f"limits add up to {size(total)} of {size(host.memory_total)}", "warn" if over else "plain"),
        (" (over-committed)" if over else "", "warn"),
        (f"  {free} without a limit" if free else "", "dim"),
    )
