"""GGUF files made here: small, sane, and without any weight worth the name."""

from __future__ import annotations

import struct
from pathlib import Path

U32, F32, BOOL, TEXT, LIST, U64 = 4, 6, 7, 8, 9, 10
Pairs = dict[str, bytes]


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return struct.pack("<II", U32, value)


def words(value: str) -> bytes:
    return struct.pack("<I", TEXT) + text(value)


def sane() -> Pairs:
    return {
        "general.architecture": words("llama"),
        "general.name": words("Tiny"),
        "general.license": words("mit"),
        "llama.block_count": number(2),
        "llama.context_length": number(2048),
        "llama.embedding_length": number(64),
        "llama.attention.head_count": number(4),
        "llama.attention.head_count_kv": number(2),
        "tokenizer.chat_template": words("{{ messages }}"),
        "tokenizer.ggml.tokens": struct.pack("<IIQ", LIST, TEXT, 3) + text("a") + text("b") + text("c"),
        "tokenizer.ggml.scores": struct.pack("<IIQ", LIST, F32, 2) + struct.pack("<2f", 1, 2),
    }


def gguf(pairs: Pairs, *, tensors: int = 2, version: int = 3, dimensions: int = 1, keys: int | None = None) -> bytes:
    data = b"GGUF" + struct.pack("<IQQ", version, tensors, len(pairs) if keys is None else keys)
    for name, value in pairs.items():
        data += text(name) + value
    for at in range(tensors):
        data += text(f"blk.{at}.w") + struct.pack("<I", dimensions) + struct.pack("<Q", 32) * dimensions
        data += struct.pack("<IQ", 0, at * 128)
    data += b"\0" * (-len(data) % 32)
    return data + b"\0" * 128 * tensors


def write(path: Path, pairs: Pairs | None = None, **changes: bytes) -> Path:
    """Write a sane file, with other or further header values, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf({**sane(), **(pairs or {}), **changes}))
    return path
