"""The witness's lines have one form, and everything else is seen as not one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aistack_backend.audit.witness import line, pieces

HASH = "a" * 64


def test_the_form() -> None:
    assert line(7, HASH) == b'{"hash":"' + b"a" * 64 + b'","seq":7}\n'


@pytest.mark.parametrize(
    "raw",
    [
        line(7, HASH)[:-1],
        line(7, HASH).replace(b":7", b":07"),
        line(7, HASH).replace(b":7", b": 7"),
        line(7, HASH).replace(b":7", b":-7"),
        line(7, HASH).replace(b":7", b":0"),
        line(7, HASH).replace(b":7", b":7.0"),
        line(7, HASH.upper()),
        line(7, HASH[1:]),
        b"\n",
        b"\0" * 90 + b"\n",
        b"x" * 10_000 + b"\n",
    ],
)
def test_any_other_form_is_no_line(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "witness.jsonl"
    path.write_bytes(line(6, HASH) + raw)
    first, *others = pieces(path)
    assert (first.seq, first.digest) == (6, HASH)
    assert all(piece.seq is None for piece in others)
    assert b"".join(piece.raw for piece in others) == raw
