"""The lines between backend and worker: what is written is read, and what has its default is not written."""

from __future__ import annotations

import pytest

from aistack_backend.inference.protocol import Do, Is, Order, Report, decode, encode
from aistack_backend.wire.models import Slot


@pytest.mark.parametrize(
    "line",
    [
        Order(do=Do.QUIT),
        Order(do=Do.LOAD, id=1, path="/ä/m.gguf", context=512, cells=2048, threads=2, gpu_layers=0),
        Order(
            do=Do.SAY, id=2, turns=(("user", "a\nb\u2028"), ("assistant", "")), max_tokens=4, temperature=0.5, rank=1
        ),
        Report(what=Is.BEAT, count=3, busy=True, slots=(Slot(number=0, held=3), Slot(number=1)), memory=5),
        Report(what=Is.PIECE, id=7, text="\U0001f98a\x00", tokens=1, tokens_per_second=1.5),
        Report(what=Is.WAITS, id=7, waiting=3),
    ],
)
def test_what_is_written_is_read(line: Order | Report) -> None:
    sent = encode(line)
    assert sent.count(b"\n") == 1
    assert decode(type(line), sent) == line


def test_a_piece_is_short() -> None:
    assert encode(Report(what=Is.PIECE, id=7, text="a")) == b'{"what":"piece","id":7,"text":"a"}\n'


@pytest.mark.parametrize(
    "line", [b"", b"x\n", b"[]\n", b'{"what":"nothing"}\n', b'{"id":1}\n', b'{"what":"beat","slots":1}\n']
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="Not a Report line"):
        decode(Report, line)
