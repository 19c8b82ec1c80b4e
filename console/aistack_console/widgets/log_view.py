"""LogView: a window on a log ring that paints only what is on screen, at a steady pace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, zip_longest
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from aistack_console.cells import wrap
from aistack_console.present.log_fields import folded
from aistack_console.present.logs import Entry, LogRing, tied
from aistack_console.widgets.log_rows import SOURCE_TONES, Look, Painter, Row

SHIFT = 20
"""Cells of one step sideways."""

Order = tuple[float, int, int]


class LogView(Widget, can_focus=True):
    """Shows :attr:`ring`; follows the newest line until the operator moves up.

    Feed the ring, then call :meth:`show_new`: it costs one page at most, however many lines came, and less when
    rows stay as they are. The place is held by the line, not by its number, so that lines which come or fall out
    above it do not move what is read. A key acts on what is shown, not on lines that came since.
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
        self._top: Order | None = None
        self._left = 0
        self._page: list[Row] = []
        self._painter = Painter(Look(0, self.show_time, {}, None), self._part)

    @property
    def current(self) -> Entry | None:
        """The line of the cursor; the newest shown while following; None when there is none."""
        view = self.ring.view
        return view[self._index] if view else None

    @property
    def _index(self) -> int:
        last = len(self.ring.view) - 1
        return max(0, last if self._cursor is None else min(self.ring.place(self._cursor), last))

    def show_new(self) -> None:
        """Paint again after the ring, its filter or a setting changed."""
        height, view = self.size.height, self.ring.view
        if self.follow:
            self._hold(len(view) - 1)
        if height <= 0:
            return
        self._look_again()
        if not view:
            self._show([])
            return
        index = self._index
        top = min(self._back_from(index + 1, height), index)
        if not self.follow and self._top is not None:
            top = max(min(self.ring.place(self._top), index), top)
        self._top = view[top].order
        self._show(self._page_from(top, height, index))

    def _show(self, page: list[Row]) -> None:
        """Paint the rows that differ from those shown."""
        old, self._page = self._page, page
        self._painter.keep(page)
        changed = [y for y, (one, other) in enumerate(zip_longest(old, page)) if one != other]
        runs = [[y for _, y in run] for _, run in groupby(enumerate(changed), lambda pair: pair[1] - pair[0])]
        if runs:
            self.refresh(*(Region(0, run[0], self.size.width, len(run)) for run in runs))

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
        self._move(by)

    def action_edge(self, way: int) -> None:
        """Go to the oldest line, or to the newest and follow."""
        if way > 0:
            self.follow = True
            self._told()
        else:
            self._go(0)

    def action_page(self, share: float) -> None:
        """Move by a share of the page."""
        self._move(int(share * max(self.size.height, 2)))

    def action_shift(self, way: int) -> None:
        """Scroll sideways."""
        self._left = max(0, self._left + way * SHIFT)
        self.show_new()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down three lines."""
        event.stop()
        self._move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up three lines."""
        event.stop()
        self._move(-3)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._page):
            self._go(self.ring.place(self._page[offset.y].entry.order))

    def notify_style_update(self) -> None:
        """Draw every row anew when the theme or the focus changes."""
        super().notify_style_update()
        self._painter = Painter(self._painter.look, self._part)

    def on_resize(self) -> None:
        """Lay the page out again."""
        self.show_new()

    def _move(self, by: int) -> None:
        if self.follow and by > 0:
            self._told()  # there is nothing below the newest
        else:
            self._go(self._index + by)

    def _go(self, index: int) -> None:
        view = self.ring.view
        if not view:
            return
        self.follow = False
        self._hold(max(0, min(index, len(view) - 1)))
        self._told()

    def _hold(self, index: int) -> None:
        view = self.ring.view
        self._cursor = view[index].order if view else None

    def _told(self) -> None:
        self.show_new()
        self.post_message(self.Moved())

    def _pieces(self, entry: Entry) -> Sequence[str]:
        text, room = folded(entry.text) if self.fold else entry.text, self._painter.look.room
        return wrap(text, room) if self.wrap_lines else (text[self._left : self._left + room * 8],)

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

    def _page_from(self, start: int, height: int, cursor: int) -> list[Row]:
        view = self.ring.view
        page: list[Row] = []
        for index in range(start, min(len(view), start + height)):
            entry = view[index]
            tie = any(tied(entry, other) for other in (*view[max(0, index - 1) : index], *view[index + 1 : index + 2]))
            for number, piece in enumerate(self._pieces(entry)):
                page.append(Row(entry, piece, number == 0, index == cursor, tie))
            if len(page) >= height:
                break
        return page[:height]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines of the page through the app's filters: what Textual does, less its search for borders."""
        ground, span = self.background_colors[1], crop.column_span
        strips = [self.render_line(y) for y in crop.line_range]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, ground) for strip in strips]
        return strips if span == (0, self.size.width) else [strip.crop(*span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Return one line of the page."""
        return self._painter.strip(self._page[y]) if y < len(self._page) else self._painter.blank()

    def _look_again(self) -> None:
        """Draw every row anew when how rows look has changed."""
        look = Look(self.size.width, self.show_time, dict(self.names), self.search)
        if look != self._painter.look:
            self._painter = Painter(look, self._part)
            self.refresh()

    def _part(self, name: str) -> Style:
        if not name:
            return self.rich_style
        return self.get_component_rich_style(f"log-view--{name}", partial=True)
