"""Sends the terminal only the cells that changed, in few bytes: what a slow SSH link needs most.

Textual sends every line that a widget asked to repaint, from the left edge of the widget, with a full style before
each piece of text. Here the cells that the terminal shows are remembered, and only runs of other ones are sent; an
update that changes nothing sends nothing. A full update (another screen, a new size, after suspending, Ctrl+L) is
always sent whole, so what else was written to the terminal goes with it.

The updates' fields and ``_display`` are Textual's private names: textual is pinned, and the tests of this module
fail when a new version changes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, cast

from rich.color import ColorSystem
from rich.console import Console, ConsoleRenderable, RenderableType
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip

Cell = tuple[Any, str]
"""What one cell shows: a character and the SGR codes of its style; or, see :func:`_cells`, all of a piece."""
Update = ChopsUpdate | LayoutUpdate

GAP = 6
"""Equal cells between two changed ones that are cheaper to send again than to jump over."""
UNKNOWN: Cell = (None, "")
"""A cell of which nothing is known; equal to no painted one."""

_NARROW = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193\u2400-\u2426\u2500-\u259f]*")
"""Characters that every terminal draws in one cell."""


class Shown:
    """The cells that the terminal shows now."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Cell]] = {}

    def changes(self, update: Update, system: ColorSystem) -> str:
        """Return what turns the terminal's cells into the update's, and remember them; empty = nothing changed."""
        if isinstance(update, LayoutUpdate):
            self._lines.clear()
        pen = _Pen()
        for y, x, strip in _pieces(update):
            self._piece(y, x, strip, system, pen)
        return pen.done()

    def _piece(self, y: int, x: int, strip: Strip, system: ColorSystem, pen: _Pen) -> None:
        new, loose = _cells(strip, system)
        line, end = self._lines.setdefault(y, []), x + len(new)
        if len(line) < end:
            line += repeat(UNKNOWN, end - len(line))
        old = line[x:end]
        if old == new:
            return
        line[x:end] = new
        if loose:
            for start, stop in _runs(old, new):
                pen.put(x + start, y, new[start:stop])
        else:
            pen.put(x, y, [(text, _codes(style, system)) for text, style, _ in strip])
            pen.lost()


def _pieces(update: Update) -> Iterator[tuple[int, int, Strip]]:
    """Yield line, column and content of each piece that the update means to send."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, left, right in update.spans:
        for x, piece in update.chops[y].items():
            if piece is not None and x < right and x + piece.cell_length > left:
                yield y, x, piece


def _cells(strip: Strip, system: ColorSystem) -> tuple[list[Cell], bool]:
    """Return the cells of a piece, and whether each stands for itself.

    Terminals differ on the width of some characters: a piece with such a one is known, and sent, as a whole.
    """
    cells: list[Cell] = []
    for text, style, _ in strip:
        if not text.isascii() and not _NARROW.fullmatch(text):
            whole = tuple((piece, _codes(style, system)) for piece, style, _ in strip)
            return [(whole, "")] * strip.cell_length, False
        cells += zip(text, repeat(_codes(style, system)))
    return cells, True


@lru_cache(4096)
def _codes(style: Style | None, system: ColorSystem) -> str:
    """Return the SGR codes of a style without hyperlinks, e.g. ``1;38;5;231``; empty for no style."""
    return Strip.render_ansi(style, system) if style else ""


def _runs(old: list[Cell], new: list[Cell]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of changed cells; runs that are close are one."""
    start = end = -1
    for index, (was, cell) in enumerate(zip(old, new, strict=True)):
        if was == cell:
            continue
        if start >= 0 and index - end > GAP:
            yield start, end
            start = index
        elif start < 0:
            start = index
        end = index + 1
    yield start, end


class _Pen:
    """Writes cells, with a jump or another style only where one is needed."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._at: tuple[int, int] | None = None
        self._codes: str | None = None

    def put(self, x: int, y: int, cells: list[Cell]) -> None:
        """Write cells from a place on."""
        if self._at != (x, y):
            self._out.append(f"\x1b[{y + 1};{x + 1}H")
        for text, codes in cells:
            if codes != self._codes:
                self._out.append(f"\x1b[0;{codes}m" if codes else "\x1b[0m")
                self._codes = codes
            self._out.append(text)
        self._at = x + len(cells), y

    def lost(self) -> None:
        """Forget where the terminal's cursor is."""
        self._at = None

    def done(self) -> str:
        """Return what was written, with the style put back."""
        return "".join((*self._out, "\x1b[0m")) if self._out else ""


class Written(CompositorUpdate):
    """An update as the bytes that it became."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: Console) -> str:
        """Return the text."""
        return self._text


class Sparing(App[int]):
    """The part of the app that sends changed cells only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shown = Shown()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate | LayoutUpdate) and self._sends:
            system = self.console._color_system or ColorSystem.TRUECOLOR
            text = self._shown.changes(renderable, system)
            cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
            moved = cursor != self._previous_cursor_position
            super()._display(screen, cast(ConsoleRenderable, Written(text)) if text or moved else None)
        else:
            super()._display(screen, renderable)

    @property
    def _sends(self) -> bool:
        """Whether ``App._display`` will write what it is given."""
        driver = self._driver
        ready = self._running and not self._closed and not self.is_headless and not self._batch_count
        return ready and driver is not None and not driver.is_inline
