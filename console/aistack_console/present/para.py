"""Paragraphs: toned text of any length, wrapped by the widget that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from aistack_console.present.table import Cell, Tone

_WORDS = re.compile(r"\s+|\S+")

Piece = tuple[str, Tone]


@dataclass(frozen=True, slots=True)
class Para:
    """One paragraph; ``hang`` begins each further line, so that a wrapped line never looks like a new one."""

    cells: tuple[Cell, ...]
    hang: str = "  "


def para(*cells: Cell, hang: str = "  ") -> Para:
    """Return a paragraph of these cells."""
    return Para(cells, hang)


def title(text: str) -> Para:
    """Return a heading."""
    return Para(((f"-- {text} --", "accent"),))


def fact(name: str, value: str, tone: Tone = "plain", width: int = 9) -> Para:
    """Return ``NAME  value``, wrapped under the value; newlines in the value are made visible."""
    shown = value.replace("\n", "␊")
    return Para(((f"{name:<{width}} ", "dim"), (shown, tone)), " " * (width + 1))


def text_lines(text: str, prefix: str = "  ") -> tuple[Para, ...]:
    """Return each line of a text as a paragraph of its own."""
    return tuple(Para((f"{prefix}{line}",), f"{prefix}  ") for line in text.split("\n"))


def numbered(text: str) -> tuple[Para, ...]:
    """Return each line of a text with its number; wrapped parts have none."""
    lines = text.split("\n")
    width = len(str(len(lines)))
    return tuple(
        Para(((f"{number:>{width}} | ", "dim"), line), " " * width + " . ") for number, line in enumerate(lines, 1)
    )


def wrap(paras: Sequence[Para], width: int) -> list[tuple[Piece, ...]]:
    """Return the screen lines of the paragraphs at a width; nothing is ever cut."""
    return [line for one in paras for line in _wrap(one, max(width, 8))]


def _wrap(one: Para, width: int) -> Iterator[tuple[Piece, ...]]:
    line: list[Piece] = []
    used = 0
    for text, tone in _tokens(one, width):
        size = cell_len(text)
        if used + size > width:
            if text.isspace():
                continue
            yield tuple(line)
            line, used = [(one.hang, "dim")], cell_len(one.hang)
        if line and line[-1][1] == tone:
            line[-1] = (line[-1][0] + text, tone)
        else:
            line.append((text, tone))
        used += size
    yield tuple(line)


def _tokens(one: Para, width: int) -> Iterator[Piece]:
    room = width - cell_len(one.hang)
    for cell in one.cells:
        text, tone = cell if isinstance(cell, tuple) else (cell, "plain")
        for word in _WORDS.findall(text):
            if cell_len(word) <= room:
                yield word, tone
            else:
                for piece in chop_cells(word, room):
                    yield piece, tone
