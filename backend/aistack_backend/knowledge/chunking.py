"""Cut a text into pieces that one vector can stand for.

A piece is at most ``SIZE`` characters, about 200 tokens of English, for which MiniLM was measured
(``facts/inference.md`` §2). It ends where the text itself does, in this order: before a heading, between paragraphs,
lines, sentences, words; only a word longer than a piece is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

SIZE = 800
"""Characters of a piece at most."""
_LINE = re.compile(r"^(?: {0,3}(`{3,}|~{3,})|#{1,6}[ \t]+(\S.*)$)", re.MULTILINE)
"""A line that begins or ends fenced code, or a heading."""
_ENDS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"[.!?]['\")\]]?\s+"), re.compile(r"\s+"))
"""Where a piece may end, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The characters ``start`` to ``end`` of a text, under its nearest heading."""

    start: int
    end: int
    heading: str
    text: str


def headings(text: str) -> dict[int, str]:
    """Return Markdown's headings by where they begin, in order; a line of fenced code is none."""
    found: dict[int, str] = {}
    fence = ""
    for line in _LINE.finditer(text):
        mark, title = line.group(1), line.group(2)
        if mark and not fence:
            fence = mark
        elif mark and mark.startswith(fence):
            fence = ""
        elif title and not fence:
            found[line.start()] = title.rstrip(" \t#") or title
    return found


def split(text: str, size: int = SIZE, *, headed: bool = True) -> list[Piece]:
    """Return the pieces in order. They do not overlap, and what is in none of them is blank. ``headed``: the text has
    Markdown's headings."""
    return list(_pieces(text, max(size, 1), headings(text) if headed else {}))


def _pieces(text: str, size: int, titles: dict[int, str]) -> Iterator[Piece]:
    bounds = sorted({0, *titles, len(text)})
    heading = ""
    for start, end in pairwise(bounds):
        heading = titles.get(start, heading)
        at = start
        while at < end:
            stop = end if end - at <= size else _stop(text, at, at + size)
            first, last = _trimmed(text, at, stop)
            if first < last:
                yield Piece(start=first, end=last, heading=heading, text=text[first:last])
            at = stop


def _stop(text: str, start: int, limit: int) -> int:
    """Return where a piece from ``start`` ends, at most ``limit``: at the last good place of its second half, or if
    there is none anywhere in it."""
    for least in ((start + limit) // 2, start):
        for end in _ENDS:
            if found := [one.end() for one in end.finditer(text, least, limit) if start < one.end()]:
                return found[-1]
    return limit


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    held = text[start:end]
    first = start + len(held) - len(held.lstrip())
    return first, max(first, end - (len(held) - len(held.rstrip())))
