"""The few calls of ggml's own library that llama_cpp has no names for: a node's name and values, a tensor of a file at
32 bits. Child only."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from aistack_backend.inference.answers import CannotAnswer

Floats = npt.NDArray[np.float32]


class _Init(ctypes.Structure):
    _fields_ = (("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p))


class _Traits(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("block", ctypes.c_int64),
        ("interleave", ctypes.c_int64),
        ("size", ctypes.c_size_t),
        ("quantised", ctypes.c_bool),
        ("to_float", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)),
    )


class Ggml:
    """``libggml-base`` of the engine that is loaded."""

    def __init__(self) -> None:
        folder = Path(str(llama_cpp.__file__)).parent / "lib"
        library = ctypes.CDLL(str(folder / "libggml-base.so"))
        whole, pointer, size = ctypes.c_int64, ctypes.c_void_p, ctypes.c_size_t
        self._calls: dict[str, Any] = {}
        for name, result, arguments in (
            ("ggml_get_name", ctypes.c_char_p, (pointer,)),
            ("ggml_nelements", whole, (pointer,)),
            ("ggml_nbytes", size, (pointer,)),
            ("ggml_backend_tensor_get", None, (pointer, pointer, size, size)),
            ("ggml_get_type_traits", ctypes.POINTER(_Traits), (ctypes.c_int,)),
            ("gguf_init_from_file", pointer, (ctypes.c_char_p, _Init)),
            ("gguf_find_tensor", whole, (pointer, ctypes.c_char_p)),
            ("gguf_get_tensor_type", ctypes.c_int, (pointer, whole)),
            ("gguf_get_tensor_size", size, (pointer, whole)),
            ("gguf_get_tensor_offset", size, (pointer, whole)),
            ("gguf_get_data_offset", size, (pointer,)),
            ("gguf_free", None, (pointer,)),
        ):
            call = getattr(library, name)
            call.restype, call.argtypes = result, arguments
            self._calls[name] = call

    def call(self, name: str, *given: Any) -> Any:
        """Call a function of the library."""
        return self._calls[name](*given)

    def name(self, node: Any) -> str:
        """Return what a node of the graph is called."""
        return bytes(self.call("ggml_get_name", node)).decode("utf-8", "replace")

    def values(self, node: Any) -> Floats:
        """Return a copy of a node's values; none when they are not plain 32-bit numbers."""
        count = int(self.call("ggml_nelements", node))
        if int(self.call("ggml_nbytes", node)) != 4 * count:
            return np.zeros(0, np.float32)
        found = np.empty(count, np.float32)
        self.call("ggml_backend_tensor_get", node, found.ctypes.data, 0, found.nbytes)
        return found

    @contextmanager
    def tensors(self, path: Path) -> Iterator[Tensors]:
        """Give the tensors of a GGUF file.

        Raises:
            CannotAnswer: ggml cannot read the file.
        """
        file = self.call("gguf_init_from_file", str(path).encode(), _Init(True, None))
        if not file:
            raise CannotAnswer("ggml cannot read this model file.")
        try:
            yield Tensors(self, file, path)
        finally:
            self.call("gguf_free", file)


class Tensors:
    """What lies in one open GGUF file."""

    def __init__(self, ggml: Ggml, file: Any, path: Path) -> None:
        self._ggml, self._file, self._path = ggml, file, path

    def has(self, name: str) -> bool:
        """Whether there is such a tensor."""
        return int(self._ggml.call("gguf_find_tensor", self._file, name.encode())) >= 0

    def floats(self, name: str) -> Floats:
        """Return all values of a tensor at 32 bits, row after row.

        Raises:
            CannotAnswer: there is none of that name, or ggml has no way to 32 bits from its type.
        """
        call = self._ggml.call
        number = int(call("gguf_find_tensor", self._file, name.encode()))
        if number < 0:
            raise CannotAnswer(f"This model file has no tensor {name}.")
        kind = int(call("gguf_get_tensor_type", self._file, number))
        size = int(call("gguf_get_tensor_size", self._file, number))
        start = int(call("gguf_get_data_offset", self._file)) + int(call("gguf_get_tensor_offset", self._file, number))
        raw = np.fromfile(self._path, np.uint8, size, offset=start)
        if kind == 0:
            return raw.view(np.float32)
        traits = call("ggml_get_type_traits", kind).contents
        if not traits.to_float or not traits.size or len(raw) != size:
            raise CannotAnswer(f"The tensor {name} has a type ({kind}) that cannot be turned into plain numbers.")
        found = np.empty(size // traits.size * traits.block, np.float32)
        traits.to_float(raw.ctypes.data, found.ctypes.data, len(found))
        return found
