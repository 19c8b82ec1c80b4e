"""GPUs, from made-up trees of sysfs and /proc and a made-up NVML: what is hidden stays unknown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aistack_backend.clock import HandClock
from aistack_backend.observe.gpu import GpuReader
from aistack_backend.observe.nvml import LATER, Nvml
from aistack_backend.observe.owners import container_of, name_of
from aistack_backend.observe.sysfs import Sysfs
from aistack_backend.wire.host import GpuVendor
from aistack_backend.wire.sources import SourceState

ID = "c0ffee" + "0" * 58


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def card(root: Path, number: int, driver: str, files: dict[str, str]) -> None:
    device = root / f"sys/devices/pci/{number}"
    (root / f"sys/bus/pci/drivers/{driver}").mkdir(parents=True, exist_ok=True)
    device.mkdir(parents=True)
    (device / "driver").symlink_to(root / f"sys/bus/pci/drivers/{driver}")
    put(device, files)
    drm = root / f"sys/class/drm/card{number}"
    drm.mkdir(parents=True)
    (drm / "device").symlink_to(device)


def test_amdgpu_tells_use_memory_heat_and_power(tmp_path: Path) -> None:
    files = {
        "gpu_busy_percent": "71\n",
        "mem_info_vram_used": "9770000000\n",
        "mem_info_vram_total": "12884901888\n",
        "product_name": "Radeon RX 7700\n",
        "hwmon/hwmon3/temp1_input": "66000\n",
        "hwmon/hwmon3/power1_average": "142000000\n",
    }
    card(tmp_path, 0, "amdgpu", files)
    (gpu,), fault = Sysfs(tmp_path).read(0)
    assert not fault
    assert (gpu.vendor, gpu.name, gpu.utilization) == (GpuVendor.AMD, "Radeon RX 7700", 71.0)
    assert (gpu.memory_used, gpu.memory_total) == (9_770_000_000, 12_884_901_888)
    assert (gpu.temperature, gpu.power) == (66.0, 142.0)


@pytest.mark.parametrize("driver", ["i915", "xe"])
def test_intel_says_unknown_where_the_driver_says_nothing(tmp_path: Path, driver: str) -> None:
    card(tmp_path, 1, driver, {"device": "0x56a0\n"})
    (gpu,), _ = Sysfs(tmp_path).read(4)
    assert (gpu.index, gpu.vendor, gpu.name) == (4, GpuVendor.INTEL, "Intel GPU 0x56a0")
    unknown = (gpu.utilization, gpu.memory_used, gpu.memory_total, gpu.temperature, gpu.power)
    assert unknown == (None,) * 5


def test_xe_package_heat_is_the_second_sensor(tmp_path: Path) -> None:
    card(tmp_path, 0, "xe", {"hwmon/hwmon0/temp2_input": "51000\n"})
    assert Sysfs(tmp_path).read(0)[0][0].temperature == 51.0


def open_card(root: Path, pid: int, descriptor: int, fdinfo: str) -> None:
    files = {f"proc/{pid}/fdinfo/{descriptor}": fdinfo, f"proc/{pid}/comm": "llama-server\n"}
    put(root, {**files, f"proc/{pid}/cgroup": f"0::/libpod-{ID}.scope\n"})
    (root / f"proc/{pid}/fd").mkdir(exist_ok=True)
    (root / f"proc/{pid}/fd/{descriptor}").symlink_to("/dev/dri/renderD128")


def test_memory_of_a_card_is_tied_to_processes_and_containers(tmp_path: Path) -> None:
    card(tmp_path, 0, "amdgpu", {})
    head = "pos:\t0\ndrm-driver:\tamdgpu\ndrm-pdev:\t0\n"
    open_card(tmp_path, 7, 3, f"{head}drm-client-id:\t1\ndrm-memory-vram:\t1024 KiB\ndrm-memory-gtt:\t9 KiB\n")
    open_card(tmp_path, 7, 4, f"{head}drm-client-id:\t1\ndrm-memory-vram:\t1024 KiB\n")
    open_card(tmp_path, 7, 5, f"{head}drm-client-id:\t2\ndrm-resident-vram0:\t2 MiB\ndrm-memory-vram0:\t7 MiB\n")
    open_card(tmp_path, 8, 3, f"{head}drm-client-id:\t3\n")
    (tmp_path / "proc/9/fd").mkdir(parents=True)
    (tmp_path / "proc/9/fd/0").symlink_to("/dev/null")
    (gpu,), _ = Sysfs(tmp_path).read(0)
    seen = [(process.pid, process.memory, process.name, process.container_id) for process in gpu.processes]
    assert seen == [(7, 3 * 2**20, "llama-server", ID), (8, None, "llama-server", ID)]


def test_other_cards_connectors_and_garbage_are_no_gpus(tmp_path: Path) -> None:
    card(tmp_path, 0, "simpledrm", {})
    card(tmp_path, 1, "amdgpu", {"gpu_busy_percent": "<err>", "mem_info_vram_used": "-1"})
    (tmp_path / "sys/class/drm/card1-HDMI-A-1").mkdir()
    (gpu,), _ = Sysfs(tmp_path).read(0)
    assert (gpu.utilization, gpu.memory_used) == (None, None)


def test_no_gpu_is_a_normal_state(tmp_path: Path) -> None:
    clock = HandClock()
    reader = GpuReader(clock, root=tmp_path)
    gpus, source = reader.read()
    assert (gpus, source.state, source.detail) == ((), SourceState.ABSENT, "No GPU found.")
    clock.advance(60)
    assert reader.read()[1].since == source.since


@pytest.mark.parametrize(
    "line",
    [
        f"0::/machine.slice/libpod-{ID}.scope/container",
        f"4:memory:/libpod_parent/libpod-{ID}",
        f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
        f"12:pids:/docker/{ID}",
    ],
)
def test_a_process_is_found_in_its_container(tmp_path: Path, line: str) -> None:
    put(tmp_path, {"proc/7/cgroup": f"1:name=systemd:/init.scope\n{line}\n", "proc/7/comm": "llama-server\n"})
    assert (container_of(7, tmp_path), name_of(7, tmp_path)) == (ID, "llama-server")


def test_a_process_outside_or_gone_has_no_container(tmp_path: Path) -> None:
    put(tmp_path, {"proc/7/cgroup": "0::/user.slice/session-1.scope\n"})
    assert (container_of(7, tmp_path), container_of(8, tmp_path), name_of(8, tmp_path)) == ("", "", "")


class CardError(Exception):
    """Stands for NVMLError."""


class NoLibrary(CardError):
    """Stands for NVMLError_LibraryNotFound."""


class Card:
    """A stand-in for NVIDIA's library with one card; ``hides`` names what its driver does not tell."""

    NVMLError = CardError
    NVMLError_LibraryNotFound = NoLibrary
    NVMLError_DriverNotLoaded = NoLibrary
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, *hides: str) -> None:
        self.hides = hides
        self.inits = 0

    def nvmlInit(self) -> None:
        self.inits += 1
        self.answer("init", None)

    def answer(self, what: str, value: Any) -> Any:
        if what in self.hides:
            raise NoLibrary("gone") if what == "init" else CardError("Not Supported")
        return value

    def __getattr__(self, name: str) -> Any:
        process = SimpleNamespace(pid=7, usedGpuMemory=None if self.hides else 6_900_000_000)
        values = {
            "nvmlDeviceGetCount": ("count", 1),
            "nvmlDeviceGetHandleByIndex": ("handle", "card"),
            "nvmlDeviceGetMemoryInfo": ("memory", SimpleNamespace(used=9, total=12)),
            "nvmlDeviceGetUtilizationRates": ("rates", SimpleNamespace(gpu=71)),
            "nvmlDeviceGetTemperature": ("heat", 66),
            "nvmlDeviceGetPowerUsage": ("power", 142_000),
            "nvmlDeviceGetName": ("name", b"RTX 3060"),
            "nvmlDeviceGetComputeRunningProcesses": ("processes", [process]),
            "nvmlDeviceGetGraphicsRunningProcesses": ("processes", [process]),
            "nvmlShutdown": ("shutdown", None),
        }
        what, value = values[name]
        return lambda *_: self.answer(what, value)


def with_driver(root: Path) -> Path:
    put(root, {"dev/nvidiactl": "", "proc/7/cgroup": f"0::/libpod-{ID}.scope\n", "proc/7/comm": "python\n"})
    return root


def test_nvml_ties_memory_to_the_container(tmp_path: Path) -> None:
    (gpu,), fault = Nvml(with_driver(tmp_path), Card).read(0)
    assert not fault
    assert (gpu.name, gpu.utilization, gpu.memory_used, gpu.temperature, gpu.power) == (
        "RTX 3060",
        71.0,
        9,
        66.0,
        142.0,
    )
    (process,) = gpu.processes
    assert (process.pid, process.name, process.memory, process.container_id) == (7, "python", 6_900_000_000, ID)


def test_what_the_driver_hides_is_unknown(tmp_path: Path) -> None:
    library = Card("memory", "rates", "heat", "power", "name")
    (gpu,), _ = Nvml(with_driver(tmp_path), lambda: library).read(0)
    assert (gpu.name, gpu.utilization, gpu.memory_used, gpu.memory_total) == ("NVIDIA GPU", None, None, None)
    assert (gpu.temperature, gpu.power, gpu.processes[0].memory) == (None, None, None)


def test_a_failing_card_is_a_fault_and_not_an_absence(tmp_path: Path) -> None:
    reader = GpuReader(HandClock(), (Nvml(with_driver(tmp_path), lambda: Card("count")),))
    gpus, source = reader.read()
    assert (gpus, source.state, source.detail) == ((), SourceState.FAILED, "NVML failed: Not Supported.")


def test_a_missing_library_is_looked_for_again_later(tmp_path: Path) -> None:
    library = Card("init")
    nvml = Nvml(with_driver(tmp_path), lambda: library)
    for _ in range(LATER + 1):
        assert nvml.read(0) == ((), "")
    assert library.inits == 1
    library.hides = ()
    assert len(nvml.read(0)[0]) == 1


def test_without_a_driver_the_library_is_not_even_loaded(tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError("loaded")

    assert Nvml(tmp_path, never).read(0) == ((), "")
