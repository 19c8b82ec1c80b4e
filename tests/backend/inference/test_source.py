"""Where a model is to come from, in one strict form."""

from __future__ import annotations

import pytest

from aistack_backend.errors import BadInput
from aistack_backend.inference.source import read

HUB = "https://hub.example"


@pytest.mark.parametrize(
    ("said", "url", "origin"),
    [
        ("o/r:f.gguf", f"{HUB}/o/r/resolve/main/f.gguf", "o/r"),
        ("hf:o/r/sub/f.gguf", f"{HUB}/o/r/resolve/main/sub/f.gguf", "o/r"),
        ("hf:o/r@v1.0:f.gguf", f"{HUB}/o/r/resolve/v1.0/f.gguf", "o/r"),
        ("o/r:with space.gguf", f"{HUB}/o/r/resolve/main/with%20space.gguf", "o/r"),
        (f"{HUB}/o/r/blob/main/f.gguf", f"{HUB}/o/r/resolve/main/f.gguf", "o/r"),
        (f"{HUB}/o/r/resolve/main/f.gguf?download=true", f"{HUB}/o/r/resolve/main/f.gguf", "o/r"),
        ("https://example.org/a/F.GGUF#top", "https://example.org/a/F.GGUF", "example.org"),
        ("https://example.org/a%2F..%2Fb%41.gguf", "https://example.org/a%2F..%2Fb%41.gguf", "example.org"),
        ("http://127.0.0.1:8000/f.gguf", "http://127.0.0.1:8000/f.gguf", "127.0.0.1"),
        ("http://localhost/f.gguf?x=1", "http://localhost/f.gguf?x=1", "localhost"),
    ],
)
def test_what_can_be_fetched(said: str, url: str, origin: str) -> None:
    found = read(said, HUB)
    assert (found.url, found.origin) == (url, origin)
    assert found.parts() == (found,)
    assert "/" not in found.file


@pytest.mark.parametrize(
    "said",
    [
        "", "f.gguf", "o/r", "o/r/f.gguf", "hf:o/f.gguf", "o/r:f.bin", "o/r:../f.gguf", "o/r:a//f.gguf", "o/r:",
        "hf:o/r@/f.gguf", "../r:f.gguf", "o/r:.gguf", "https://example.org/", "https://example.org/f.bin",
        "http://example.org/f.gguf", "https://10.0.0.1/f.gguf", "https://[fe80::1]/f.gguf", "ftp://example.org/f.gguf",
        "https://example.org/%00.gguf", "o/r:a\n.gguf",
        "https://example.org/x-00001-of-00002.gguf?token=1", "o/r:" + "x" * 300 + ".gguf",
    ],
)  # fmt: skip
def test_what_cannot_is_one_sentence(said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(said, HUB)
    assert caught.value.detail.endswith(".")


def test_a_split_model_is_all_of_its_parts_and_has_no_one_sha256() -> None:
    found = read("o/r:sub/big-00002-of-00003.gguf", HUB)
    assert [one.file for one in found.parts()] == [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert found.parts()[0].url == f"{HUB}/o/r/resolve/main/sub/big-00001-of-00003.gguf"
    with pytest.raises(BadInput, match="split"):
        read("o/r:big-00001-of-00003.gguf", HUB, "0" * 64)


@pytest.mark.parametrize("digest", ["x", "0" * 63, "g" * 64])
def test_a_sha256_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(BadInput, match="64 hexadecimal"):
        read("o/r:f.gguf", HUB, digest)
    assert read("o/r:f.gguf", HUB, "A" * 64).sha256 == "a" * 64
