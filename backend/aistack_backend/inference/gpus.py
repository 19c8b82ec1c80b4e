"""What the machine's GPUs mean for the loaded model: one that stands idle is told, with what would help."""

from __future__ import annotations

from aistack_backend.inference.gguf import Header
from aistack_backend.inference.models import Loaded
from aistack_backend.wire.host import GpuVendor, HostSample

FLAGS = {GpuVendor.NVIDIA: "-DGGML_CUDA=ON", GpuVendor.AMD: "-DGGML_HIP=ON", GpuVendor.INTEL: "-DGGML_VULKAN=ON"}
"""How llama.cpp is told to use them."""
SPARE = 700_000_000
"""Bytes of a GPU's memory that are left to its driver and to compute buffers."""


def hint(sample: HostSample | None, loaded: Loaded | None) -> str:
    """Return why a GPU that was measured does not compute the model, and what would help; "" = nothing to say."""
    if sample is None or not sample.gpus or loaded is None or loaded.layers is None or loaded.layers_on_gpu is None:
        return ""
    one, missing = sample.gpus[0], loaded.layers - loaded.layers_on_gpu
    if missing <= 0:
        return ""
    if loaded.layers_on_gpu:
        return f"{missing} of {loaded.layers} layers are computed by the processor: the memory of {one.name} is full."
    if not loaded.gpu_able:
        flag = FLAGS.get(one.vendor, FLAGS[GpuVendor.INTEL])
        return (
            f"GPU not used: the engine was built without support for {one.name}. "
            f"Build its wheel with CMAKE_ARGS={flag}, and name it in AISTACK_ENGINE_WHEEL."
        )
    return f"GPU not used: not one layer of the model fits into what is free of the memory of {one.name}."


def free_memory(sample: HostSample | None) -> int | None:
    """Return the bytes that are free on the GPU that has most; None = none was measured."""
    free = [
        one.memory_total - one.memory_used
        for one in (sample.gpus if sample else ())
        if one.memory_total is not None and one.memory_used is not None
    ]
    return max(free, default=None)


def layers_that_fit(header: Header, cells: int, free: int | None) -> int | None:
    """Return how many layers, each with its keys and values, fit into a GPU's free bytes; None = all, or not known."""
    if free is None:
        return None
    layer = (header.size + header.kv_bytes_per_token * cells) // header.blocks
    fitting = max(free - SPARE, 0) // max(layer, 1)
    return None if fitting > header.blocks else int(fitting)
