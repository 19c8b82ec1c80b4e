"""A GPU that stands idle is told with what would help, and no more layers go to it than fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed.ggufs import write

from aistack_backend.inference.gguf import read_header
from aistack_backend.inference.gpus import SPARE, free_memory, hint, layers_that_fit
from aistack_backend.inference.models import Loaded
from aistack_backend.wire.host import Gpu, GpuVendor, HostSample

LOADED = Loaded(path=Path("m.gguf"), context_size=2048, description="", layers=30, layers_on_gpu=0)
ONE = Gpu(index=0, name="GPU X", vendor=GpuVendor.NVIDIA, memory_used=1_000, memory_total=9_000)


def sample(*gpus: Gpu) -> HostSample:
    return HostSample(at=1.0, hostname="h", cores=2, gpus=gpus)


@pytest.mark.parametrize(
    ("vendor", "flag"), [(GpuVendor.NVIDIA, "CUDA"), (GpuVendor.AMD, "HIP"), (GpuVendor.UNKNOWN, "VULKAN")]
)
def test_an_engine_without_gpu_support_is_told_with_the_flag(vendor: GpuVendor, flag: str) -> None:
    said = hint(sample(replace(ONE, vendor=vendor)), LOADED)
    assert said.startswith("GPU not used: the engine was built without support for GPU X.")
    assert f"-DGGML_{flag}=ON" in said
    assert "AISTACK_ENGINE_WHEEL" in said


def test_a_model_that_does_not_fit_is_told() -> None:
    able = replace(LOADED, gpu_able=True)
    assert "not one layer" in hint(sample(ONE), able)
    assert hint(sample(ONE), replace(able, layers_on_gpu=20)).startswith(
        "10 of 30 layers are computed by the processor"
    )


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert hint(None, LOADED) == hint(sample(), LOADED) == hint(sample(ONE), None) == ""
    assert hint(sample(ONE), replace(LOADED, layers_on_gpu=30)) == ""
    assert hint(sample(ONE), replace(LOADED, layers=None, layers_on_gpu=None)) == ""


def test_the_gpu_with_most_room_counts() -> None:
    assert free_memory(None) is free_memory(sample()) is free_memory(sample(replace(ONE, memory_used=None))) is None
    assert free_memory(sample(ONE, replace(ONE, memory_used=8_000))) == 8_000


def test_layers_that_fit(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "m.gguf"))
    layer = (header.size + header.kv_bytes_per_token * 1024) // header.blocks
    assert layers_that_fit(header, 1024, None) is None
    assert layers_that_fit(header, 1024, SPARE + 100 * layer) is None
    assert layers_that_fit(header, 1024, SPARE + layer + 1) == 1
    assert layers_that_fit(header, 1024, SPARE - 1) == layers_that_fit(header, 1024, 0) == 0
