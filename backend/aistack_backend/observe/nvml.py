"""NVIDIA GPUs through the driver's own library (NVML). What the driver hides (MIG, WSL) is None, never 0."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aistack_backend.observe.owners import container_of, name_of
from aistack_backend.wire.host import Gpu, GpuProcess, GpuVendor

DEVICES = ("dev/nvidiactl", "dev/dxg")
"""One of these exists where the driver is loaded (the second under WSL); without them NVML is not even imported."""
LATER = 15
"""Reads to skip after the library was not found, before it is looked for again."""


def bindings() -> Any:
    """Return the module that speaks to NVML."""
    return importlib.import_module("pynvml")


class Nvml:
    """Opens the library when the driver is there, and again after a driver reload."""

    name = "NVML"

    def __init__(self, root: Path = Path("/"), library: Callable[[], Any] = bindings) -> None:
        self._root = root
        self._library = library
        self._nvml: Any = None
        self._skip = 0

    def read(self, first_index: int) -> tuple[tuple[Gpu, ...], str]:
        """Return every NVIDIA GPU; none and no fault on a machine without the driver."""
        if self._skip or not any((self._root / device).exists() for device in DEVICES):
            self._skip = max(0, self._skip - 1)
            return (), ""
        nvml = self._library()
        try:
            if self._nvml is None:
                nvml.nvmlInit()
                self._nvml = nvml
            count = nvml.nvmlDeviceGetCount()
            return tuple(self._gpu(number, first_index + number) for number in range(count)), ""
        except (nvml.NVMLError_LibraryNotFound, nvml.NVMLError_DriverNotLoaded):
            self._skip = LATER
            return (), ""
        except nvml.NVMLError as error:
            self.close()
            return (), f"NVML failed: {error}."

    def close(self) -> None:
        """Let go of the library."""
        if self._nvml is not None:
            self._asked("nvmlShutdown")
            self._nvml = None

    def _gpu(self, number: int, index: int) -> Gpu:
        handle = self._nvml.nvmlDeviceGetHandleByIndex(number)
        memory = self._asked("nvmlDeviceGetMemoryInfo", handle)
        rates = self._asked("nvmlDeviceGetUtilizationRates", handle)
        celsius = self._asked("nvmlDeviceGetTemperature", handle, self._nvml.NVML_TEMPERATURE_GPU)
        milliwatts = self._asked("nvmlDeviceGetPowerUsage", handle)
        name = self._asked("nvmlDeviceGetName", handle)
        return Gpu(
            index=index,
            name=name.decode(errors="replace") if isinstance(name, bytes) else name or "NVIDIA GPU",
            vendor=GpuVendor.NVIDIA,
            utilization=float(rates.gpu) if rates else None,
            memory_used=memory.used if memory else None,
            memory_total=memory.total if memory else None,
            temperature=float(celsius) if celsius is not None else None,
            power=milliwatts / 1000 if milliwatts is not None else None,
            processes=self._processes(handle),
        )

    def _processes(self, handle: Any) -> tuple[GpuProcess, ...]:
        memory: dict[int, int | None] = {}
        for kind in ("Compute", "Graphics"):
            for process in self._asked(f"nvmlDeviceGet{kind}RunningProcesses", handle) or ():
                memory.setdefault(process.pid, process.usedGpuMemory)
        biggest = sorted(memory.items(), key=lambda item: -(item[1] or 0))
        root = self._root
        return tuple(
            GpuProcess(pid=pid, name=name_of(pid, root), memory=used, container_id=container_of(pid, root))
            for pid, used in biggest
        )

    def _asked(self, question: str, *arguments: Any) -> Any | None:
        """Return the library's answer, or None for what this card or driver does not tell."""
        try:
            return getattr(self._nvml, question)(*arguments)
        except self._nvml.NVMLError:
            return None
