"""Text cut to terminal cells, so that columns and borders stay straight whatever a name holds."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import wcwidth
from rich.cells import cell_len

Align = Literal["left", "right"]

ELLIPSIS = "…"
_PICTURES = str.maketrans({"\n": "␊", "\t": "␉"})
# Four marks and a joined emoji are the most that one cell can hold of a text that passed ``plain``.
_CHARACTERS_PER_CELL = 8


@lru_cache(8192)
def fit(text: str, width: int, align: Align = "left") -> str:
    """Return ``text`` in exactly ``width`` cells: padded, or cut with ``…`` at its end; newlines made visible.

    A character whose width is in doubt (Rich's and wcwidth's tables differ) becomes ``?``: terminals differ on
    it too, and one cell more would break the row.
    """
    if width <= 0:
        return ""
    text = text[: width * _CHARACTERS_PER_CELL + 1].translate(_PICTURES)
    if not text.isascii():
        return _fit_wide(text, width, align)
    if len(text) > width:
        return text[: width - 1] + ELLIPSIS
    return text.rjust(width) if align == "right" else text.ljust(width)


def _fit_wide(text: str, width: int, align: Align) -> str:
    pieces = [(piece, _width(piece)) for piece in wcwidth.iter_graphemes(text)]
    total = sum(max(cells, 1) for _, cells in pieces)
    out, used = [], 0
    room = width if total <= width else width - 1
    for piece, cells in pieces:
        piece, cells = (piece, cells) if cells > 0 else ("?", 1)
        if used + cells > room:
            break
        out.append(piece)
        used += cells
    if total > width:
        out.append(ELLIPSIS)
        used += 1
    done = "".join(out)
    pad = " " * (width - used)
    done = pad + done if align == "right" else done + pad
    return done if cell_len(done) == width else _only_ascii(done, width)


def _width(piece: str) -> int:
    """Return the cells of one grapheme; 0 when the tables differ or it has none."""
    cells = wcwidth.wcswidth(piece)
    return cells if cells > 0 and cells == cell_len(piece) else 0


def _only_ascii(text: str, width: int) -> str:
    return "".join(char if char.isascii() else "?" for char in text)[:width].ljust(width)


def sure(text: str) -> str:
    """Return ``text`` with each character whose width is in doubt as ``?``; newlines made visible."""
    if text.isascii():
        return text.translate(_PICTURES)
    pieces = wcwidth.iter_graphemes(text.translate(_PICTURES))
    return "".join(piece if _width(piece) > 0 else "?" for piece in pieces)


def width_of(text: str) -> int:
    """Return the cells that a text takes, by Textual's own measure."""
    return cell_len(text)


@lru_cache(512)
def wrap(text: str, width: int) -> tuple[str, ...]:
    """Return ``text`` in pieces of at most ``width`` cells; one empty piece for an empty text."""
    text = text.translate(_PICTURES)
    if text.isascii():
        return tuple(text[i : i + width] for i in range(0, len(text), width)) or ("",)
    out: list[str] = []
    used = width
    for piece in wcwidth.iter_graphemes(text):
        cells = max(_width(piece), 1)
        if used + cells > width:
            out.append("")
            used = 0
        out[-1] += piece
        used += cells
    return tuple(out) or ("",)


def wrap_words(text: str, width: int) -> list[str]:
    """Return ``text`` in lines of at most ``width`` cells, broken at spaces where there are any."""
    out: list[str] = []
    at = 0
    while True:
        window = text[at : at + width * _CHARACTERS_PER_CELL + 1]
        if at + len(window) == len(text) and width_of(window) <= width:
            return [*out, window]
        piece = wrap(window, width)[0]
        after = window[len(piece) : len(piece) + 1]
        piece = piece[: len(piece) if after == " " else piece.rfind(" ") + 1] or piece
        out.append(piece)
        at += len(piece) + (after == " " and window[len(piece) : len(piece) + 1] == " ")
