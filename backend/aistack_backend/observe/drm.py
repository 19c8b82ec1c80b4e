"""Who holds memory of a GPU that is no NVIDIA: the kernel's DRM usage stats in ``/proc/PID/fdinfo``.

A driver counts each open file of the card once; the same client seen through two descriptors is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aistack_backend.observe.owners import container_of, name_of
from aistack_backend.wire.host import GpuProcess

KINDS = ("drm-resident-", "drm-memory-")
"""The key of the memory in use, per region; the second is the older name of the first."""
LOCAL = ("vram", "local")
"""Beginnings of the names of regions that lie on the card; on an integrated GPU there are none."""
UNITS = {"": 1, "KiB": 1024, "MiB": 1024 * 1024}


def holders(root: Path = Path("/")) -> dict[str, tuple[GpuProcess, ...]]:
    """Return, for each card's PCI address, its processes, biggest first; unknown memory is None.

    Processes of other users are seen only by root: then the list is what we may see, no more.
    """
    found: dict[str, dict[int, dict[str, int | None]]] = {}
    for pid, text in _files(root):
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        card, client = fields.get("drm-pdev", "").strip(), fields.get("drm-client-id", "").strip()
        if card and client:
            found.setdefault(card, {}).setdefault(pid, {})[client] = _memory(fields)
    return {card: _processes(pids, root) for card, pids in found.items()}


def _processes(pids: dict[int, dict[str, int | None]], root: Path) -> tuple[GpuProcess, ...]:
    totals = {pid: _sum(list(clients.values())) for pid, clients in pids.items()}
    biggest = sorted(totals.items(), key=lambda item: -(item[1] or 0))
    return tuple(
        GpuProcess(pid=pid, name=name_of(pid, root), memory=used, container_id=container_of(pid, root))
        for pid, used in biggest
    )


def _files(root: Path) -> Iterator[tuple[int, str]]:
    """Yield pid and fdinfo of every open file of a card."""
    for process in (root / "proc").glob("[0-9]*"):
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue  # gone, or another user's
        for descriptor in descriptors:
            try:
                if str(descriptor.readlink()).startswith("/dev/dri/"):
                    yield int(process.name), (process / "fdinfo" / descriptor.name).read_text()
            except OSError:
                continue


def _memory(fields: dict[str, str]) -> int | None:
    for kind in KINDS:
        regions = [value for key, value in fields.items() if key.startswith(tuple(kind + name for name in LOCAL))]
        if regions:
            return _sum([_bytes(value) for value in regions])
    return None


def _bytes(text: str) -> int | None:
    number, _, unit = text.strip().partition(" ")
    return int(number) * UNITS[unit] if number.isdigit() and unit in UNITS else None


def _sum(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
