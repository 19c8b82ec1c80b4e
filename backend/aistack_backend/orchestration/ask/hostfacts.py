"""What the machine, its GPUs, the model and the doctor say, as facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aistack_backend.orchestration.ask.models import Fact
from aistack_backend.wire.containers import Usage
from aistack_backend.wire.host import Gpu, HostSample
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.status import DoctorReport

MOST = 10
"""Containers that are told."""


def resources(host: HostSample | None, usage: Sequence[Usage], names: Mapping[str, str], about: str = "") -> Fact:
    """Processor, memory, disks, GPUs of the machine, and which containers use most; ``names`` maps their refs."""
    named = [row for row in usage if row.id in names and (not about or names[row.id] == about)]
    rows = sorted(named, key=lambda row: -(row.memory or 0))
    lines = [f"container {_row(row, names[row.id])}" for row in rows[:MOST]]
    if about:
        lead = f"{_row(rows[0], about)}." if rows else f"What {about} uses is not measured now."
        return Fact(lead=lead, lines=tuple(_machine(host) if host else ()), at=rows[0].at if rows else None)
    if host is None:
        return Fact(lead="This machine was not measured yet.", lines=tuple(lines))
    most = f" Of the containers {names[rows[0].id]} uses most, {size(rows[0].memory)}." if rows else ""
    return Fact(lead=f"{_memory(host)}{most}", lines=(*_machine(host), *lines), at=host.at)


def _memory(host: HostSample) -> str:
    if host.memory_used is None or not host.memory_total:
        return "How much memory is used is not known."
    share = 100 * host.memory_used / host.memory_total
    return f"{size(host.memory_used)} of {size(host.memory_total)} of memory are used ({share:.0f} %)."


def _machine(host: HostSample) -> list[str]:
    lines = [f"machine {host.hostname}: {host.cores} cores"]
    lines += [f"processor {host.cpu_percent:.0f} %"] if host.cpu_percent is not None else []
    lines += [f"load {host.load[0]:.1f} {host.load[1]:.1f} {host.load[2]:.1f}"] if host.load else []
    lines += [_memory(host)]
    lines += [f"swap {size(host.swap_used)} of {size(host.swap_total)}"] if host.swap_total else []
    lines += [f"disk {one.label} {size(one.used)} of {size(one.total)} used" for one in host.disks]
    lines += [line for gpu in host.gpus for line in _gpu(gpu)] or ["no GPU is seen"]
    return lines


def _gpu(one: Gpu) -> list[str]:
    busy = "unknown" if one.utilization is None else f"{one.utilization:.0f} %"
    lines = [f"GPU {one.index} {one.name}: busy {busy}, memory {size(one.memory_used)} of {size(one.memory_total)}"]
    return lines + [f"GPU {one.index} process {own.pid} {own.name}: {size(own.memory)}" for own in one.processes[:5]]


def _row(row: Usage, name: str) -> str:
    busy = "unknown" if row.cpu_percent is None else f"{row.cpu_percent:.0f} % of a core"
    limit = f" of {size(row.memory_limit)}" if row.memory_limit else ""
    return f"{name} uses {size(row.memory)}{limit} of memory, processor {busy}"


def size(value: int | None) -> str:
    """Return bytes in the words of a person; what is not known says so."""
    if value is None:
        return "unknown"
    return f"{value / 2**30:.1f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def model(found: ModelStatus) -> Fact:
    """Where the local model stands."""
    named = f" ({found.model})" if found.model else ""
    lines = [found.detail, found.hint, f"engine {found.adapter}" if found.adapter else ""]
    lines += [f"context of {found.context_size} tokens"] if found.context_size else []
    lines += [f"{found.tokens_per_second:.1f} tokens a second"] if found.tokens_per_second else []
    lines += [f"{found.waiting} requests wait"] if found.waiting else []
    lines += [f"stage {one.name}: {one.state.value} {one.detail}".rstrip() for one in found.stages]
    return Fact(lead=f"The local model is {found.engine.value}{named}.", lines=tuple(filter(None, lines)))


def doctor(found: DoctorReport) -> Fact:
    """What is wrong with the installation, the worst first."""
    wrong = [one for one in found.findings if one.ok is False]
    unsure = [one for one in found.findings if one.ok is None]
    lead = f"Of {len(found.findings)} checks {len(wrong)} found something wrong, and {len(unsure)} could not be made."
    words = {True: "well", False: "wrong", None: "not checked"}
    lines = tuple(f"{one.name}: {words[one.ok]}. {one.detail} {one.fix}".rstrip() for one in found.findings)
    return Fact(lead=lead, lines=lines)
