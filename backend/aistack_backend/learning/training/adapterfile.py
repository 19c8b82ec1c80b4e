"""Write an adapter as the GGUF file that llama.cpp loads."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from aistack_backend.learning.training.lora import Adapter, Floats

ALIGN = 32
_U32, _F32, _TEXT = 4, 6, 8
_PLAIN = 0
"""Type of a tensor of 32-bit numbers."""


def write(path: Path, adapter: Adapter, *, architecture: str, target: str, name: str) -> None:
    """Write the file anew and have it on the disk; ``target`` is the tensor that is changed.

    Raises:
        OSError: it cannot be written.
    """
    rank = adapter.a.shape[0]
    pairs = (
        _pair("general.architecture", _TEXT, _text(architecture)),
        _pair("general.type", _TEXT, _text("adapter")),
        _pair("general.name", _TEXT, _text(name)),
        _pair("adapter.type", _TEXT, _text("lora")),
        _pair("adapter.lora.alpha", _F32, struct.pack("<f", adapter.scale * rank)),
        _pair("general.alignment", _U32, struct.pack("<I", ALIGN)),
    )
    tensors = ((f"{target}.lora_a", adapter.a), (f"{target}.lora_b", adapter.b))
    data, at = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs), 0
    for title, matrix in tensors:
        rows, columns = matrix.shape
        data += _text(title) + struct.pack("<IQQIQ", 2, columns, rows, _PLAIN, at)
        at += _padded(matrix.nbytes)
    data += b"\0" * (-len(data) % ALIGN) + b"".join(_bytes(matrix) for _, matrix in tensors)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _bytes(matrix: Floats) -> bytes:
    raw = np.ascontiguousarray(matrix, "<f4").tobytes()
    return raw + b"\0" * (_padded(len(raw)) - len(raw))


def _padded(size: int) -> int:
    return size + -size % ALIGN


def _pair(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data
