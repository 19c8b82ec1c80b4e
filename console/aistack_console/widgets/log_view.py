"""LogView: a window on a log ring that paints only what is on screen, at a steady pace."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from aistack_console.cells import fit, wrap
from aistack_console.present.log_fields import Level, folded
from aistack_console.present.logs import Entry, LogRing, tied

_GLYPH = {Level.UNKNOWN: " ", Level.DEBUG: "D", Level.INFO: "I", Level.WARN: "W", Level.ERROR: "E"}
_TONE = {Level.DEBUG: "debug", Level.WARN: "warn", Level.ERROR: "error"}
SOURCE_TONES = 6
"""Colours that tell sources apart; the name stands beside them."""
TAG = 12
"""Cells of a source's name."""
SHIFT = 20
"""Cells of one step sideways."""

Order = tuple[float, int, int]


class LogView(Widget, can_focus=True):
    """Shows :attr:`ring`; follows the newest line until the operator moves up.

    Feed the ring, then call :meth:`show_new`: it costs one page however many lines came. The place is held by
    the line, not by its number, so that lines which come or fall out above it do not move what is read.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"log-view--{tone}" for tone in ("time", "debug", "warn", "error", "hit", "cursor")),
        *(f"log-view--source{number}" for number in range(SOURCE_TONES)),
    }
    DEFAULT_CSS = """
    LogView { background: $surface; color: $foreground; height: 1fr; }
    LogView > .log-view--time { color: $text-muted; }
    LogView > .log-view--debug { color: $text-muted; }
    LogView > .log-view--warn { color: $text-warning; }
    LogView > .log-view--error { color: $text-error; text-style: bold; }
    LogView > .log-view--hit { text-style: reverse; }
    LogView:focus > .log-view--cursor { background: $panel; text-style: bold; }
    LogView > .log-view--source0 { color: $text-primary; }
    LogView > .log-view--source1 { color: $text-accent; }
    LogView > .log-view--source2 { color: $text-success; }
    LogView > .log-view--source3 { color: $text-secondary; }
    LogView > .log-view--source4 { color: $text-warning; }
    LogView > .log-view--source5 { color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="log.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="log.up"),
        Binding("g,home", "edge(-1)", "Oldest line", show=False, id="log.first"),
        Binding("G,end", "edge(1)", "Newest line", show=False, id="log.last"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="log.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="log.half-up"),
        Binding("pagedown", "page(1.0)", "Page down", show=False, id="log.page-down"),
        Binding("pageup", "page(-1.0)", "Page up", show=False, id="log.page-up"),
        Binding("l,right", "shift(1)", "Scroll right", show=False, id="log.right"),
        Binding("h,left", "shift(-1)", "Scroll left", show=False, id="log.left"),
    ]

    class Moved(Message):
        """Another line is current, or following changed."""

        def can_replace(self, message: Message) -> bool:
            """Let the newest replace those that nobody has handled yet."""
            return isinstance(message, LogView.Moved)

    def __init__(self, ring: LogRing, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name for it)
        super().__init__(id=id)
        self.ring = ring
        self.names: dict[int, str] = {}
        """Name of each source, shown before its lines."""
        self.follow = True
        self.wrap_lines = False
        self.show_time = True
        self.fold = True
        """Show JSON and logfmt as message and fields."""
        self.search: re.Pattern[str] | None = None
        """What is highlighted and what n and N go to."""
        self._cursor: Order | None = None
        self._top = 0
        self._left = 0
        self._at = 0
        self._styles: dict[str, Style] = {}
        self._page: list[tuple[int, str, bool]] = []

    @property
    def current(self) -> Entry | None:
        """The line of the cursor; the newest while following; None when there is none."""
        view = self.ring.view
        return view[self._index] if view else None

    @property
    def _index(self) -> int:
        last = len(self.ring.view) - 1
        if self.follow or self._cursor is None:
            return max(0, last)
        return max(0, min(self.ring.place(self._cursor), last))

    def show_new(self) -> None:
        """Paint again after the ring, its filter or a setting changed."""
        height, view = self.size.height, self.ring.view
        if height <= 0:
            return
        index = self._index
        if self.follow:
            self._top = self._back_from(len(view), height)
        else:
            lowest = self._back_from(index + 1, height)
            self._top = max(min(self._top, index), lowest)
        self._at = index
        self._page = self._page_from(self._top, height)
        self.refresh()

    def toggle_follow(self) -> None:
        """Follow the newest line, or stay where it is."""
        self._hold(self._index)
        self.follow = not self.follow
        self._told()

    def go_to_hit(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) line that holds what is searched; return whether there is one."""
        view = self.ring.view
        if self.search is None or not view:
            return False
        index = self._index + step
        while 0 <= index < len(view):
            if self.search.search(view[index].text):
                self._go(index)
                return True
            index += step
        return False

    def action_move(self, by: int) -> None:
        """Move by lines."""
        self._go(self._index + by)

    def action_edge(self, way: int) -> None:
        """Go to the oldest line, or to the newest and follow."""
        if way > 0:
            self.follow = True
            self._told()
        else:
            self._go(0)

    def action_page(self, share: float) -> None:
        """Move by a share of the page."""
        self._go(self._index + int(share * max(self.size.height, 2)))

    def action_shift(self, way: int) -> None:
        """Scroll sideways."""
        self._left = max(0, self._left + way * SHIFT)
        self.show_new()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down three lines."""
        event.stop()
        self._go(self._index + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up three lines."""
        event.stop()
        self._go(self._index - 3)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._page):
            self._go(self._page[offset.y][0])

    def notify_style_update(self) -> None:
        """Forget the styles when the theme changes."""
        super().notify_style_update()
        self._styles.clear()

    def on_resize(self) -> None:
        """Lay the page out again."""
        self.show_new()

    def _go(self, index: int) -> None:
        view = self.ring.view
        if not view:
            return
        self.follow = index >= len(view) and self.follow
        self._hold(max(0, min(index, len(view) - 1)))
        self._told()

    def _hold(self, index: int) -> None:
        view = self.ring.view
        self._cursor = view[index].order if view else None

    def _told(self) -> None:
        self.show_new()
        self.post_message(self.Moved())

    @property
    def _room(self) -> int:
        """Cells for the text of a line."""
        return max(10, self.size.width - self._prefix)

    @property
    def _prefix(self) -> int:
        return 1 + (8 if self.show_time else 0) + 1 + (TAG + 1 if len(self.names) > 1 else 0) + 2

    def _pieces(self, entry: Entry) -> Sequence[str]:
        text = folded(entry.text) if self.fold else entry.text
        if self.wrap_lines:
            return wrap(text, self._room)
        return (text[self._left : self._left + self._room * 8],)

    def _back_from(self, end: int, height: int) -> int:
        """Return the first index of a page whose last line is the one before ``end``."""
        if not self.wrap_lines:
            return max(0, end - height)
        view, used = self.ring.view, 0
        while end > 0:
            used += len(self._pieces(view[end - 1]))
            if used > height:
                break
            end -= 1
        return end

    def _page_from(self, start: int, height: int) -> list[tuple[int, str, bool]]:
        view = self.ring.view
        page: list[tuple[int, str, bool]] = []
        for index in range(start, min(len(view), start + height)):
            page += ((index, piece, number == 0) for number, piece in enumerate(self._pieces(view[index])))
            if len(page) >= height:
                break
        return page[:height]

    def render_line(self, y: int) -> Strip:
        """Return one line of the page."""
        width, view = self.size.width, self.ring.view
        if y >= len(self._page) or self._page[y][0] >= len(view):
            return Strip.blank(width, self._part(""))
        index, piece, first = self._page[y]
        base = self._part("")
        at_cursor = index == self._at
        if at_cursor:
            base += self._part("cursor")
        segments = [Segment(">" if at_cursor and first else " ", base)]
        entry = view[index]
        segments += self._head(entry, index, base) if first else [Segment(" " * (self._prefix - 1), base)]
        segments += self._body(fit(piece, self._room), entry, base)
        return Strip(segments).adjust_cell_length(width, base)

    def _head(self, entry: Entry, index: int, base: Style) -> Iterator[Segment]:
        view = self.ring.view
        near = [view[other] for other in (index - 1, index + 1) if 0 <= other < len(view)]
        mark = "=" if any(tied(entry, other) for other in near) else " "
        yield Segment((_clock(entry.at) if self.show_time else "") + mark, base + self._part("time"))
        if len(self.names) > 1:
            name = self.names.get(entry.source, "")
            yield Segment(fit(name, TAG) + " ", base + self._part(f"source{entry.source % SOURCE_TONES}"))
        yield Segment(_GLYPH[entry.level] + " ", self._toned(entry, base))

    def _body(self, text: str, entry: Entry, base: Style) -> Iterator[Segment]:
        style = self._toned(entry, base)
        if self.search is None:
            yield Segment(text, style)
            return
        hit, done = style + self._part("hit"), 0
        for found in self.search.finditer(text):
            if found.end() > found.start():
                yield Segment(text[done : found.start()], style)
                yield Segment(found[0], hit)
                done = found.end()
        yield Segment(text[done:], style)

    def _toned(self, entry: Entry, base: Style) -> Style:
        tone = _TONE.get(entry.level)
        return base + self._part(tone) if tone else base

    def _part(self, name: str) -> Style:
        """Return the style of a part, ``""`` for the ground; asking Textual each time costs more than painting."""
        if (found := self._styles.get(name)) is None:
            whole = not name
            found = self.rich_style if whole else self.get_component_rich_style(f"log-view--{name}", partial=True)
            self._styles[name] = found
        return found


def _clock(at: float | None) -> str:
    return _clock_of(int(at)) if at is not None else "--:--:--"


@lru_cache(4096)
def _clock_of(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))
