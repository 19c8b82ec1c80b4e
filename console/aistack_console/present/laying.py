"""Rows of Markdown laid out in lines of a width."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from aistack_console.cells import width_of, wrap, wrap_words
from aistack_console.present.markdown import Block, Piece, Pieces, Row, Table

_WORDS = re.compile(r"\s+|\S+")
BETWEEN = " │ "
"""What stands between two columns of a table."""


@dataclass(frozen=True, slots=True)
class Laid:
    """One line on the screen; ``code`` = it stands on the ground of code in its whole width."""

    pieces: Pieces
    code: bool = False


def lay(blocks: Sequence[Block], width: int, before: Block | None = None) -> list[Laid]:
    """Return the lines of the blocks; ``before`` is the block above them, which decides whether a line stays free."""
    out: list[Laid] = []
    for block in blocks:
        if before is not None and _apart(before, block):
            out.append(Laid(()))
        for row in block.rows:
            out += _row(row, width) if isinstance(row, Row) else _table(row, width)
        before = block
    return out


def _apart(above: Block, below: Block) -> bool:
    return not (below.kind == "code" or above.kind == "head" or above.kind == below.kind == "item")


def _row(row: Row, width: int) -> list[Laid]:
    lead, hang = row.lead, row.hang
    room = max(width - width_of(lead), 4)
    if row.code:
        text, mark = "".join(text for text, _ in row.pieces), row.pieces[0][1]
        cut = wrap(text, room) if mark else wrap_words(text, room)
        pieces = _cut(row.pieces, cut) if len(row.pieces) > 1 else [((line, mark),) for line in cut]
        return [Laid(_led(lead if n == 0 else hang, one), bool(mark)) for n, one in enumerate(pieces)]
    lines = wrap_pieces(row.pieces, room)
    return [Laid(_led(lead if n == 0 else hang, line)) for n, line in enumerate(lines)]


def _cut(pieces: Pieces, lines: Sequence[str]) -> list[Pieces]:
    """Return the pieces by line; ``lines`` are the same text where it was broken."""
    out: list[Pieces] = []
    left = list(reversed(pieces))
    for line in lines:
        room, taken = len(line), list[Piece]()
        while room and left:
            text, mark = left.pop()
            taken.append((text[:room], mark))
            if len(text) > room:
                left.append((text[room:], mark))
            room -= min(room, len(text))
        out.append(tuple(taken))
    return out


def _led(lead: str, pieces: Pieces) -> Pieces:
    return ((lead, "dim"), *pieces) if lead else pieces


def wrap_pieces(pieces: Pieces, width: int) -> list[Pieces]:
    """Return the pieces in lines of at most ``width`` cells, broken at spaces where there are any."""
    lines: list[list[Piece]] = [[]]
    used = 0
    for word in _words(pieces):
        size = sum(width_of(text) for text, _ in word)
        if used + size > width and word[0][0].isspace():
            continue
        if used + size > width and used:
            _trim(lines[-1])
            lines.append([])
            used = 0
        for text, mark in word:
            for part in wrap(text, width) if size > width else (text,):
                if used + width_of(part) > width:
                    lines.append([])
                    used = 0
                lines[-1].append((part, mark))
                used += width_of(part)
    return [tuple(line) for line in lines]


def _trim(line: list[Piece]) -> None:
    if line and line[-1][0].isspace():
        line.pop()


def _words(pieces: Pieces) -> Iterator[list[Piece]]:
    """Yield words and the spaces between them; a word may have pieces of several marks."""
    word: list[Piece] = []
    for text, mark in pieces:
        for part in _WORDS.findall(text):
            if word and (part.isspace() or word[-1][0].isspace()):
                yield word
                word = []
            word.append((part, mark))
    if word:
        yield word


def _table(table: Table, width: int) -> list[Laid]:
    """Return a table in columns where it fits, else each row as ``head: cell`` lines."""
    head, *rows = table.rows
    room = width - width_of(table.lead)
    sizes = [max(_size(cell) for cell in column) for column in zip_longest(*table.rows, fillvalue=())]
    if sum(sizes) + len(BETWEEN) * (len(sizes) - 1) > room:
        return _records(table, room)
    bold = tuple(tuple((text, f"strong {mark}".strip()) for text, mark in cell) for cell in head)
    rule = "─┼─".join("─" * size for size in sizes)
    return [
        Laid(_led(table.lead, _columns(bold, sizes))),
        Laid(_led(table.lead, ((rule, "dim"),))),
        *(Laid(_led(table.lead, _columns(row, sizes))) for row in rows),
    ]


def _size(cell: Pieces) -> int:
    return sum(width_of(text) for text, _ in cell)


def _columns(cells: Sequence[Pieces], sizes: Sequence[int]) -> Pieces:
    out: list[Piece] = []
    for number, size in enumerate(sizes):
        cell = cells[number] if number < len(cells) else ()
        out += [(BETWEEN, "dim")] if number else []
        out += [*cell, (" " * (size - _size(cell)), "")]
    return tuple(out)


def _records(table: Table, width: int) -> list[Laid]:
    head, *rows = table.rows
    out: list[Laid] = []
    for number, row in enumerate(rows):
        out += [Laid(())] if number else []
        for name, cell in zip_longest(head, row, fillvalue=()):
            said = tuple((text, f"strong {mark}".strip()) for text, mark in name)
            lines = wrap_pieces((*said, (": ", "dim"), *cell), max(width, 4))
            out += [Laid(_led(table.lead, line)) for line in lines]
    return out
