"""An answer that was packed for the way is unpacked within its bound, whatever it was made to grow to."""

from __future__ import annotations

import gzip
import time
import zlib

import brotli
import pytest

from aistack_backend.errors import Unavailable
from aistack_backend.orchestration.fetch.unpack import unpacked

TEXT = b"redis listens on 6379. " * 1000
RAW = zlib.compressobj(9, zlib.DEFLATED, -15)
WAYS = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "GZIP ": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_packed_comes_out(way: str) -> None:
    assert unpacked(WAYS[way], way, 1 << 20) == TEXT


def test_deflate_without_its_head() -> None:
    assert unpacked(RAW.compress(TEXT) + RAW.flush(), "deflate", 1 << 20) == TEXT


@pytest.mark.parametrize("way", ["gzip", "deflate", "br"])
def test_a_bomb_ends_at_the_bound(way: str) -> None:
    zeros = bytes(200_000_000)
    pack = {"gzip": lambda: gzip.compress(zeros, 1), "deflate": lambda: zlib.compress(zeros, 1)}
    bomb = pack.get(way, lambda: brotli.compress(zeros, quality=1))()
    began = time.monotonic()
    assert len(unpacked(bomb, way, 1_000_000)) == 1_000_001
    print(f"{way}: {len(bomb)} bytes would become 200 MB: {time.monotonic() - began:.3f} s")


@pytest.mark.parametrize("way", ["gzip", "deflate", "br"])
def test_what_is_damaged_or_packed_otherwise_is_one_sentence(way: str) -> None:
    with pytest.raises(Unavailable, match=r"cannot be unpacked: .*\.$"):
        unpacked(b"\x78\x07\x07\x07" * 50, way, 1 << 20)
    whole = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[way](TEXT)
    with pytest.raises(Unavailable, match="ends too early"):
        unpacked(whole[: len(whole) // 2], way, 1 << 20)
    for other in ("zstd", "gzip, gzip", "compress"):
        with pytest.raises(Unavailable, match="which is not read"):
            unpacked(TEXT, other, 1 << 20)
