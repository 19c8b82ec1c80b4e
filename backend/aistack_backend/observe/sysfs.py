"""AMD (amdgpu) and Intel (i915, xe) GPUs from sysfs. Integrated GPUs without memory of their own have no total."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from aistack_backend.observe.drm import holders
from aistack_backend.wire.host import Gpu, GpuVendor

CARD = re.compile(r"card\d+$")
DRIVERS = {"amdgpu": GpuVendor.AMD, "i915": GpuVendor.INTEL, "xe": GpuVendor.INTEL}
NAMES = {GpuVendor.AMD: "AMD GPU", GpuVendor.INTEL: "Intel GPU"}


@dataclass(frozen=True, slots=True)
class _Card:
    device: Path
    driver: str


class Sysfs:
    """Reads ``/sys/class/drm``; ``root`` stands for ``/``."""

    name = "sysfs"

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._drm = root / "sys/class/drm"

    def read(self, first_index: int) -> tuple[tuple[Gpu, ...], str]:
        """Return every AMD and Intel GPU; a value that the driver does not publish is None."""
        cards = self._cards()
        owners = holders(self._root) if cards else {}
        return tuple(
            replace(_gpu(card, first_index + number), processes=owners.get(card.device.resolve().name, ()))
            for number, card in enumerate(cards)
        ), ""

    def close(self) -> None:
        """Nothing is held open."""

    def _cards(self) -> list[_Card]:
        try:
            entries = sorted(entry for entry in self._drm.iterdir() if CARD.match(entry.name))
        except OSError:
            return []
        cards = [_Card(entry / "device", _link(entry / "device/driver")) for entry in entries]
        return [card for card in cards if card.driver in DRIVERS]


def _gpu(card: _Card, index: int) -> Gpu:
    vendor = DRIVERS[card.driver]
    sensors = _sensors(card.device)
    busy = _number(card.device / "gpu_busy_percent")
    return Gpu(
        index=index,
        name=_text(card.device / "product_name") or f"{NAMES[vendor]} {_text(card.device / 'device')}".rstrip(),
        vendor=vendor,
        utilization=float(busy) if busy is not None else None,
        memory_used=_number(card.device / "mem_info_vram_used"),
        memory_total=_number(card.device / "mem_info_vram_total"),
        temperature=_scaled(sensors, ("temp1_input", "temp2_input"), 1_000),
        power=_scaled(sensors, ("power1_average", "power1_input"), 1_000_000),
    )


def _sensors(device: Path) -> Path | None:
    try:
        return min((device / "hwmon").iterdir(), default=None)
    except OSError:
        return None


def _scaled(folder: Path | None, names: tuple[str, ...], unit: int) -> float | None:
    if folder is None:
        return None
    found = next((value for name in names if (value := _number(folder / name)) is not None), None)
    return found / unit if found is not None else None


def _link(path: Path) -> str:
    try:
        return path.resolve(strict=True).name
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None
