"""The header parser refuses what would kill the worker, with one sentence that names the file."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bed.ggufs import LIST, TEXT, U32, gguf, number, sane

from aistack_backend.errors import Unavailable
from aistack_backend.inference.fit import fit_context
from aistack_backend.inference.gguf import Header, read_header
from aistack_backend.inference.models import BadModel


def read(tmp_path: Path, data: bytes) -> Header:
    file = tmp_path / "m.gguf"
    file.write_bytes(data)
    return read_header(file)


def test_a_sane_header_is_read(tmp_path: Path) -> None:
    header = read(tmp_path, gguf(sane()))
    assert (header.architecture, header.name, header.licence) == ("llama", "Tiny", "mit")
    assert (header.blocks, header.context_train, header.vocabulary, header.template) == (2, 2048, 3, True)
    assert header.kv_bytes_per_token == 2 * 2 * 2 * (16 + 16)  # bytes, layers, heads, key and value width


def test_heads_may_differ_by_layer(tmp_path: Path) -> None:
    heads = struct.pack("<IIQ", LIST, U32, 2) + struct.pack("<2I", 1, 3)
    assert read(tmp_path, gguf(sane() | {"llama.attention.head_count_kv": heads})).kv_bytes_per_token == 2 * 4 * 32
    queries = struct.pack("<IIQ", LIST, U32, 2) + struct.pack("<2I", 4, 4)
    assert read(tmp_path, gguf(sane() | {"llama.attention.head_count": queries})).kv_bytes_per_token == 2 * 4 * 32


def test_cut_anywhere_it_is_refused(tmp_path: Path) -> None:
    whole = gguf(sane())
    for length in range(len(whole)):
        with pytest.raises(BadModel, match=r"m\.gguf"):
            read(tmp_path, whole[:length])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1023), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_never_crash_the_parser(tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    data = bytearray(gguf(sane()))
    for at, value in flips:
        data[at % len(data)] = value
    with contextlib.suppress(BadModel):
        assert read(tmp_path, bytes(data)).memory(512) > 0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GGML" + gguf(sane())[4:], "not a GGUF file"),
        (gguf(sane(), version=1), "version 1"),
        (gguf(sane(), version=0x03000000), "version"),
        (gguf(sane(), tensors=0), "0 tensors"),
        (gguf(sane(), keys=2**60), "header keys"),
        (gguf(sane(), dimensions=9), "9 dimensions"),
        (gguf(sane() | {"llama.block_count": number(10**6)}), "1000000 layers"),
        (gguf(sane() | {"llama.block_count": number(3)}), "3 layers"),
        (gguf(sane() | {"llama.attention.head_count": number(0)}), "0 attention heads"),
        (gguf(sane() | {"x": struct.pack("<I", 99)}), "unknown type 99"),
        (gguf(sane() | {"x": struct.pack("<IQ", TEXT, 2**50)}), "a text of"),
        (gguf(sane() | {"x": struct.pack("<IIQ", LIST, U32, 2**50)}), "values for 'x'"),
        (gguf(sane() | {"x": struct.pack("<IIQ", LIST, LIST, 1)}), "list of unknown type"),
        (gguf({name: value for name, value in sane().items() if name != "general.architecture"}), "architecture"),
    ],
)
def test_absurd_headers_are_refused(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(BadModel, match=why):
        read(tmp_path, data)


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.gguf"):
        with pytest.raises(BadModel, match="no model file"):
            read_header(path)


@pytest.mark.engine
def test_the_small_model_is_read(smollm: Path) -> None:
    header = read_header(smollm)
    assert (header.blocks, header.context_train, header.licence) == (30, 8192, "apache-2.0")
    assert header.kv_bytes_per_token == 2 * 30 * 3 * 128


def test_the_context_is_what_is_wished_trained_and_affordable(tmp_path: Path) -> None:
    header = read(tmp_path, gguf(sane()))
    plenty = 8_000_000_000
    assert fit_context(header, 1024, plenty) == (1024, 4096)
    assert fit_context(header, 100_000, plenty) == (2048, 8192)
    assert fit_context(header, 1, plenty) == (512, 2048)
    assert fit_context(header, 2048, header.memory(512) + 1)[0] == 2048
    with pytest.raises(Unavailable, match="MB are free"):
        fit_context(header, 2048, 1_000_000)
