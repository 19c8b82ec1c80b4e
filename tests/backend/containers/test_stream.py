"""Log frames and JSON lines, whole, cut anywhere, and rubbish."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aistack_backend.containers.stream import LONGEST, LogParser, demux, log_lines, objects
from aistack_backend.wire.containers import LogStream

STAMP = b"2026-11-23T00:37:19Z "


def frame(body: bytes, kind: int = 1) -> bytes:
    return struct.pack(">BxxxL", kind, len(body)) + body


def parse(*blocks: bytes) -> list[tuple[float | None, LogStream, str]]:
    return [(line.at, line.stream, line.text) for lines in log_lines(iter(blocks)) for line in lines]


def test_lines() -> None:
    assert parse(frame(STAMP + b"one\n") + frame(STAMP + b"two\n", 2)) == [
        (1795394239.0, LogStream.STDOUT, "one"),
        (1795394239.0, LogStream.STDERR, "two"),
    ]


@pytest.mark.parametrize(
    ("body", "at", "text"),
    [
        (b"no stamp\n", None, "no stamp"),
        (b"\n", None, ""),
        (STAMP + b"\n", 1795394239.0, ""),
        (STAMP + b"a b c\n", 1795394239.0, "a b c"),
        (b"2026-11-23T00:37:19.5+00:00 x\n", 1795394239.5, "x"),
        (b"2026-99-99T99:99:99Z odd\n", None, "2026-99-99T99:99:99Z odd"),
        (STAMP + b"bad \xff\xfe\n", 1795394239.0, "bad \ufffd\ufffd"),
        (STAMP + b"\x1b]0;PWN\x07[@click=x]\r\n", 1795394239.0, "\x1b]0;PWN\x07[@click=x]"),
        (STAMP + b"a\nb\n", 1795394239.0, "a\nb"),
    ],
)
def test_bodies(body: bytes, at: float | None, text: str) -> None:
    assert parse(frame(body)) == [(at, LogStream.STDOUT, text)]


def test_pieces_of_a_long_line_are_joined_per_stream() -> None:
    got = parse(
        frame(STAMP + b"x" * 8192)
        + frame(STAMP + b"err\n", 2)
        + frame(STAMP + b"y" * 10)
        + frame(STAMP + b"\n")
        + frame(STAMP + b"no end")
    )
    assert [text for _, _, text in got] == ["err", "x" * 8192 + "y" * 10, "no end"]


def test_a_line_without_end_does_not_fill_memory() -> None:
    got = parse(*(frame(STAMP + b"x" * 8192) for _ in range(400)))
    assert [len(text) for _, _, text in got[:-1]] == [LONGEST + 8192 - LONGEST % 8192] * (len(got) - 1)
    assert sum(len(text) for _, _, text in got) == 400 * 8192


def test_rubbish_is_refused() -> None:
    with pytest.raises(ValueError, match="not a log frame"):
        parse(b"HTTP/1.1 400 Bad Request\r\n")


BODIES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=12)


@given(BODIES, st.lists(st.integers(0, 400), max_size=6))
def test_where_it_is_cut_changes_nothing(bodies: list[tuple[int, bytes]], cuts: list[int]) -> None:
    whole = b"".join(frame(body, kind) for kind, body in bodies)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[a:b] for a, b in pairwise(places)]
    assert parse(*pieces) == parse(whole)


@given(st.binary(max_size=300))
def test_any_bytes_give_lines_or_one_error(data: bytes) -> None:
    with suppress(ValueError):
        lines, rest = LogParser().feed(data)
        assert len(lines) <= len(data)
        assert data.endswith(rest)


def test_objects() -> None:
    def blocks() -> Iterator[bytes]:
        yield b'{"a":1}\n{"a"'
        yield b':2}\n\n{"a":3}'

    assert list(objects(lambda doc: doc["a"])(blocks())) == [1, 2]


def test_demux() -> None:
    assert demux(frame(b"out") + frame(b"err", 2) + frame(b"more")) == (b"outmore", b"err")
    assert demux(b"") == (b"", b"")
