"""The rows of a log page: what each holds, and how it is drawn."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from aistack_console.cells import fit
from aistack_console.present.log_fields import Level
from aistack_console.present.logs import Entry

SOURCE_TONES = 6
"""Colours that tell sources apart; the name stands beside them."""
TAG = 12
"""Cells of a source's name."""
LEAST = 10
"""Cells of a line's text, however narrow the view is."""

_GLYPH = {Level.UNKNOWN: " ", Level.DEBUG: "D", Level.INFO: "I", Level.WARN: "W", Level.ERROR: "E"}
_TONE = {Level.DEBUG: "debug", Level.WARN: "warn", Level.ERROR: "error"}


class Row(NamedTuple):
    """One row of the page: a line, or a piece of a long one."""

    entry: Entry
    piece: str
    first: bool
    """Whether it is the line's first piece."""
    current: bool
    """Whether the cursor is on the line."""
    tied: bool
    """Whether nothing measured says which of it and its neighbour came first."""


class Look(NamedTuple):
    """What the drawing of every row depends on."""

    width: int
    time: bool
    """Whether the clock is shown."""
    names: dict[int, str]
    """Name of each source; shown when there are several."""
    search: re.Pattern[str] | None
    """What is highlighted."""

    @property
    def prefix(self) -> int:
        """Cells before the text."""
        return 1 + (8 if self.time else 0) + 1 + (TAG + 1 if len(self.names) > 1 else 0) + 2

    @property
    def room(self) -> int:
        """Cells for the text."""
        return max(LEAST, self.width - self.prefix)


class Painter:
    """Draws rows in one look and one theme; a row that stays on the page is drawn once.

    ``part`` gives the style of a part of the view, ``""`` for its ground.
    """

    def __init__(self, look: Look, part: Callable[[str], Style]) -> None:
        self.look = look
        self._part = part
        self._prefix, self._room = look.prefix, look.room
        self._styles: dict[tuple[str, ...], Style] = {}
        self._drawn: dict[Row, Strip] = {}

    def keep(self, page: list[Row]) -> None:
        """Forget the rows that are not on the page."""
        drawn = self._drawn
        self._drawn = {row: drawn[row] for row in page if row in drawn}

    def blank(self) -> Strip:
        """Return a row below the last line."""
        return Strip.blank(self.look.width, self._style())

    def strip(self, row: Row) -> Strip:
        """Return one row."""
        if (found := self._drawn.get(row)) is None:
            found = self._drawn[row] = self._draw(row)
        return found

    def _draw(self, row: Row) -> Strip:
        cursor = ("cursor",) if row.current else ()
        toned = self._style(*cursor, _TONE.get(row.entry.level, ""))
        segments = [*self._head(row, cursor, toned), *self._body(fit(row.piece, self._room), toned)]
        if self._prefix + self._room == self.look.width:
            return Strip(segments, self.look.width)
        return Strip(segments).adjust_cell_length(self.look.width, self._style(*cursor))

    def _head(self, row: Row, cursor: tuple[str, ...], toned: Style) -> Iterator[Segment]:
        if not row.first:
            yield Segment(" " * self._prefix, self._style(*cursor))
            return
        entry, names = row.entry, self.look.names
        yield Segment(">" if row.current else " ", self._style(*cursor))
        mark = "=" if row.tied else " "
        yield Segment((_clock(entry.at) if self.look.time else "") + mark, self._style(*cursor, "time"))
        if len(names) > 1:
            tone = f"source{entry.source % SOURCE_TONES}"
            yield Segment(fit(names.get(entry.source, ""), TAG) + " ", self._style(*cursor, tone))
        yield Segment(_GLYPH[entry.level] + " ", toned)

    def _body(self, text: str, style: Style) -> Iterator[Segment]:
        done = 0
        for found in self.look.search.finditer(text) if self.look.search else ():
            if found.end() > found.start():
                yield Segment(text[done : found.start()], style)
                yield Segment(found[0], style + self._part("hit"))
                done = found.end()
        yield Segment(text[done:], style)

    def _style(self, *parts: str) -> Style:
        """Return the ground with parts laid over it; asking Textual each time costs more than painting."""
        if (found := self._styles.get(parts)) is None:
            found = self._part("")
            for part in filter(None, parts):
                found += self._part(part)
            self._styles[parts] = found
        return found


def _clock(at: float | None) -> str:
    return _clock_of(int(at)) if at is not None else "--:--:--"


@lru_cache(4096)
def _clock_of(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))
