"""Read a GGUF header in pure Python, so that a bad file is refused before the child process touches it.

llama.cpp aborts, or fails without a reason, on many broken files (``facts/inference.md`` §4). What passes here
has a sane header and is as long as its tensors say; flipped bytes inside the weights only a sha256 finds.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from aistack_backend.inference import quantisation, splits
from aistack_backend.inference.models import BadModel

MAX_KEYS = 10_000
MAX_TENSORS = 100_000
MAX_STRING = 4 * 1024 * 1024
MAX_ARRAY = 2_000_000
MAX_BLOCKS = 1_000
UBATCH = 256
"""Tokens computed at once; the worker's own setting, part of the estimate of memory."""

_SCALAR = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# ggml type -> (values in a block, bytes of a block); a type that is not here is not checked for length
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 16: (256, 66), 17: (256, 74), 18: (256, 98),
    20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 30: (1, 2),
}  # fmt: skip

EMBEDDERS = frozenset(
    {
        *("bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert"),
        *("eurobert", "gemma-embedding", "t5encoder"),
    }
)
"""Architectures that turn texts into vectors and cannot write."""

Value = int | float | bool | str | list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a GGUF file says about itself."""

    architecture: str
    name: str
    licence: str
    """Empty when the file states none."""
    blocks: int
    context_train: int
    vocabulary: int
    kv_bytes_per_token: int
    """Key and value memory at 16 bits for one token of context."""
    template: bool
    """It has a chat template."""
    size: int
    """Of the file, in bytes; of all its parts when it is split."""
    quantisation: str = ""
    """E.g. ``Q4_K_M``; empty when the file does not say it."""

    @property
    def embeds(self) -> bool:
        """It turns texts into vectors."""
        return self.architecture in EMBEDDERS

    @property
    def cannot_chat(self) -> str:
        """Why it cannot chat, in words that go on after its name; empty = it can."""
        if self.embeds:
            return f"turns texts into vectors (architecture {self.architecture}), so it cannot chat."
        return "" if self.template else "has no chat template, so it cannot chat."

    def memory(self, context: int) -> int:
        """Estimate the bytes needed to run it: weights, keys and values, compute buffers, the process itself."""
        buffers = UBATCH * self.vocabulary * 4 + 64 * 1024 * 1024
        return self.size + self.kv_bytes_per_token * context + buffers + 96 * 1024 * 1024


@dataclass(slots=True)
class _Found:
    values: dict[str, Value] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    blocks: set[str] = field(default_factory=set)


class _Cursor:
    def __init__(self, file: BufferedReader, path: Path, size: int) -> None:
        self.file, self.path, self.size = file, path, size

    def bad(self, why: str) -> BadModel:
        """Return the error that says what is wrong with this file."""
        return _bad(self.path, why)

    def take(self, count: int) -> bytes:
        """Return the next bytes; BadModel when the file ends before."""
        data = self.file.read(count)
        if len(data) < count:
            raise self.bad(f"is cut short: its header ends at byte {self.file.tell()}")
        return data

    def number(self, code: str) -> int:
        """Return the next number, of a ``struct`` code, little-endian."""
        value = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]
        return int(value)

    def text(self) -> str:
        """Return the next text; BadModel when its length is absurd."""
        length = self.number("Q")
        if length > MAX_STRING:
            raise self.bad(f"has a text of {length} bytes in its header")
        return self.take(length).decode("utf-8", "replace")

    def skip(self, count: int) -> None:
        """Pass over bytes; BadModel when the file ends before."""
        if self.file.tell() + count > self.size:
            raise self.bad("is cut short inside its header")
        self.file.seek(count, 1)


def _bad(path: Path, why: str) -> BadModel:
    return BadModel(f"The model file {path} {why}.", "Fetch it again, or choose another GGUF file.")


def read_header(path: Path) -> Header:
    """Read and judge the header of a GGUF file; of the first part, and of the others with it, when it is split.

    Raises:
        BadModel: missing, not GGUF, truncated, absurd or without what is needed to run it; says which.
    """
    whole = splits.parts(path)
    found, size = _open(whole[0])
    for part in whole[1:]:
        more, length = _open(part)
        found.blocks |= more.blocks
        size += length
    return _judge(whole[0], size, found)


def check(path: Path) -> None:
    """Say no to a file that is no whole GGUF file; whether it can be run is another question.

    Raises:
        BadModel: missing, not GGUF, or cut short; says which.
    """
    _open(path)


def _open(path: Path) -> tuple[_Found, int]:
    if not path.is_file():
        raise BadModel(f"There is no model file at {path}.", "Give the path of a GGUF file.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _read(_Cursor(file, path, size)), size
    except OSError as error:
        raise BadModel(f"The model file {path} cannot be read: {error.strerror}.") from error


def _read(cursor: _Cursor) -> _Found:
    if cursor.size == 0:
        raise cursor.bad("is empty")
    magic = cursor.file.read(4)
    if magic != b"GGUF":
        raise cursor.bad(f"is not a GGUF file: it begins with {magic!r}")
    version = cursor.number("I")
    if version not in (2, 3):
        raise cursor.bad(f"has GGUF version {version}; versions 2 and 3 can be read")
    tensors, keys = cursor.number("Q"), cursor.number("Q")
    least = 0 if splits.place(cursor.path.name)[2] > 1 else 1
    if not least <= tensors <= MAX_TENSORS or not 1 <= keys <= MAX_KEYS:
        raise cursor.bad(f"claims {tensors} tensors and {keys} header keys")
    found = _Found()
    for _ in range(keys):
        name = cursor.text()
        _value(cursor, found, name, cursor.number("I"))
    _tensors(cursor, found, tensors)
    return found


def _value(cursor: _Cursor, found: _Found, name: str, kind: int) -> None:
    if kind in _SCALAR:
        code = "<" + _SCALAR[kind]
        found.values[name] = struct.unpack(code, cursor.take(struct.calcsize(code)))[0]
    elif kind == _STRING:
        found.values[name] = cursor.text()
    elif kind == _ARRAY:
        _array(cursor, found, name)
    else:
        raise cursor.bad(f"has a value of unknown type {kind} for {name[:60]!r}")


def _array(cursor: _Cursor, found: _Found, name: str) -> None:
    kind, count = cursor.number("I"), cursor.number("Q")
    if count > MAX_ARRAY:
        raise cursor.bad(f"claims {count} values for {name[:60]!r}")
    found.lengths[name] = count
    if kind == _STRING:
        for _ in range(count):
            cursor.skip(min(cursor.number("Q"), cursor.size))
    elif kind in _SCALAR and name.endswith(("head_count", "head_count_kv")):
        code = "<" + _SCALAR[kind] * count
        found.values[name] = [int(value) for value in struct.unpack(code, cursor.take(struct.calcsize(code)))]
    elif kind in _SCALAR:
        cursor.skip(struct.calcsize("<" + _SCALAR[kind]) * count)
    else:
        raise cursor.bad(f"has a list of unknown type {kind} for {name[:60]!r}")


def _tensors(cursor: _Cursor, found: _Found, count: int) -> None:
    end = 0
    for _ in range(count):
        name = cursor.text()
        dimensions = cursor.number("I")
        if dimensions > 4:
            raise cursor.bad(f"has a tensor {name[:60]!r} of {dimensions} dimensions")
        values = 1
        for _ in range(dimensions):
            values *= cursor.number("Q")
        kind, offset = cursor.number("I"), cursor.number("Q")
        per, width = _BLOCKS.get(kind, (1, 0))
        end = max(end, offset + values // per * width)
        if match := re.match(r"blk\.(\d+)\.", name):
            found.blocks.add(match[1])
    align = found.values.get("general.alignment", 32)
    align = align if isinstance(align, int) and 0 < align <= 65_536 else 32
    start = -(-cursor.file.tell() // align) * align
    if start + end > cursor.size:
        raise cursor.bad(f"is cut short: its tensors need {start + end} bytes and it has {cursor.size}")


def _judge(path: Path, size: int, found: _Found) -> Header:
    values, blocks_seen = found.values, len(found.blocks)
    architecture = str(values.get("general.architecture", ""))
    if not architecture:
        raise _bad(path, "does not say its architecture")

    def each(key: str, default: int = 0) -> list[int]:
        value = values.get(f"{architecture}.{key}", default)
        return value if isinstance(value, list) else [value if isinstance(value, int) else default]

    def count(key: str, default: int = 0) -> int:
        return max(each(key, default), default=0)

    blocks, heads = count("block_count"), count("attention.head_count")
    if not 1 <= blocks <= MAX_BLOCKS or blocks > blocks_seen:
        raise _bad(path, f"claims {blocks} layers and has tensors for {blocks_seen}")
    if heads < 1:
        raise _bad(path, f"claims {heads} attention heads")
    per_layer = each("attention.head_count_kv", heads) or [heads]
    kv_heads = sum(per_layer) if len(per_layer) > 1 else per_layer[0] * blocks
    head = count("embedding_length") // heads
    width = count("attention.key_length", head) + count("attention.value_length", head)
    return Header(
        architecture=architecture,
        name=str(values.get("general.name", "")) or path.stem,
        licence=str(values.get("general.license", "")),
        blocks=blocks,
        context_train=max(count("context_length"), 0),
        vocabulary=found.lengths.get("tokenizer.ggml.tokens", 0),
        kv_bytes_per_token=max(2 * kv_heads * width, 0),
        template="tokenizer.chat_template" in values,
        size=size,
        quantisation=quantisation.named(values.get("general.file_type")),
    )
