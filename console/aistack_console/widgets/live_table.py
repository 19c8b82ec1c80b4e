"""LiveTable: a table on Textual's line API that repaints only the rows that changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from aistack_console.cells import fit, width_of
from aistack_console.present.table import Cell, Column, Row, Tone

__all__ = ["Cell", "Column", "LiveTable", "Row", "Tone"]

GAP = 1
"""Empty cells between two columns."""
MARKER = 1
"""Cells on the left for ``>`` (cursor) and ``*`` (marked)."""


class LiveTable(ScrollView, can_focus=True):
    """Rows from a presenter, with a cursor that stays on its key and marks that stay on theirs.

    :meth:`set_rows` may be called at any rate: a row equal to what is on screen costs nothing. The cursor never
    jumps to the first row: when its row goes, it stays at that place in the list.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"live-table--{tone}" for tone in ("plain", "ok", "warn", "bad", "dim", "accent")),
        "live-table--header",
        "live-table--group",
        "live-table--cursor",
        "live-table--marked",
    }
    DEFAULT_CSS = """
    LiveTable { background: $surface; color: $foreground; overflow-x: hidden; scrollbar-size-vertical: 1; }
    LiveTable > .live-table--header { color: $text-muted; text-style: bold; }
    LiveTable > .live-table--group { color: $text-accent; text-style: bold; }
    LiveTable > .live-table--cursor { text-style: bold; }
    LiveTable:focus > .live-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    LiveTable > .live-table--marked { color: $text-accent; }
    LiveTable > .live-table--ok { color: $text-success; }
    LiveTable > .live-table--warn { color: $text-warning; }
    LiveTable > .live-table--bad { color: $text-error; text-style: bold; }
    LiveTable > .live-table--dim { color: $text-muted; }
    LiveTable > .live-table--accent { color: $text-accent; }
    LiveTable > .live-table--plain { color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="table.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="table.up"),
        Binding("g,home", "edge(-1)", "First row", show=False, id="table.first"),
        Binding("G,end", "edge(1)", "Last row", show=False, id="table.last"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="table.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="table.half-up"),
        Binding("pagedown", "page(1.0)", "Page down", show=False, id="table.page-down"),
        Binding("pageup", "page(-1.0)", "Page up", show=False, id="table.page-up"),
        Binding("enter", "select", "Open", show=False, id="table.select"),
        Binding("space", "mark", "Mark", show=False, id="table.mark"),
    ]

    class RowMessage(Message):
        """Something about one row of one table."""

        def __init__(self, table: LiveTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> LiveTable:
            """Return the table, so that ``@on(..., "#id")`` works."""
            return self.table

    class RowHighlighted(RowMessage):
        """The cursor came to another row."""

        def can_replace(self, message: Message) -> bool:
            """Let the newest replace those that nobody has handled yet."""
            return isinstance(message, LiveTable.RowHighlighted) and message.table is self.table

    class RowSelected(RowMessage):
        """Enter or a second click on the row of the cursor."""

    class RowMarked(RowMessage):
        """The mark of this row changed; see :attr:`LiveTable.marked`."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        markable: bool = False,
        id: str | None = None,  # noqa: A002 (Textual's own name for it)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._markable = markable
        self._rows: tuple[Row, ...] = ()
        self._cursor = 0
        self._marked: set[str] = set()
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(512)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as they were last declared."""
        return self._columns

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows as they were last set."""
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor; None when there is no row."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def marked(self) -> frozenset[str]:
        """The keys of the marked rows that exist now."""
        return frozenset(self._marked)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Declare other columns; the rows must have a cell for each."""
        self._columns = tuple(columns)
        self._strips.clear()
        self.refresh()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows; only lines that differ from what is on screen are painted again."""
        new = tuple(rows)
        if new == self._rows:
            return
        key, top, old, was = self.cursor_key, int(self.scroll_offset.y), self._rows, self._cursor
        self._rows = new
        self._marked &= {row.key for row in new}
        self._cursor = self._place_of(key, was)
        if len(old) != len(new):
            self.virtual_size = Size(self._width, len(new) + 1)
        self._keep_in_view()
        if int(self.scroll_offset.y) == top:
            body = range(top, top + max(self.size.height - 1, 0))
            self._repaint({i for i in body if old[i : i + 1] != new[i : i + 1]} | {was, self._cursor})
        if self.cursor_key != key and self.cursor_key is not None:
            self.post_message(self.RowHighlighted(self, self.cursor_key))

    def set_marked(self, keys: Sequence[str]) -> None:
        """Mark exactly the rows of these keys that exist."""
        self._marked = set(keys) & {row.key for row in self._rows}
        self.refresh()

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row of that key; return whether there is one."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._go(index)
                return True
        return False

    def _place_of(self, key: str | None, otherwise: int) -> int:
        for index, row in enumerate(self._rows):
            if row.key == key or (key is None and not row.group):  # the first cursor stands on a thing, not a heading
                return index
        return max(0, min(otherwise, len(self._rows) - 1))

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._rows) - 1))
        if not self._rows or index == self._cursor:
            return
        old, self._cursor = self._cursor, index
        self._keep_in_view()
        self._repaint({old, index})
        self.post_message(self.RowHighlighted(self, self._rows[index].key))

    def _keep_in_view(self) -> None:
        height = self.size.height - 1
        top = int(self.scroll_offset.y)
        if height <= 0:
            return
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, force=True)

    def _repaint(self, indexes: set[int]) -> None:
        top = int(self.scroll_offset.y)
        lines = [index - top + 1 for index in indexes if 0 <= index - top < self.size.height - 1]
        if lines:
            self.refresh(*(Region(0, line, self.size.width, 1) for line in lines))

    @property
    def _width(self) -> int:
        return int(self.scrollable_content_region.width)

    def notify_style_update(self) -> None:
        """Forget painted lines when the theme changes."""
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self) -> None:
        """Lay the columns out for the new width and keep the cursor visible."""
        self.virtual_size = Size(self._width, len(self._rows) + 1)
        self._keep_in_view()
        self.refresh()

    def on_focus(self) -> None:
        """Paint the cursor as active."""
        self._repaint({self._cursor})

    def on_blur(self) -> None:
        """Paint the cursor as inactive."""
        self._repaint({self._cursor})

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._go(self._cursor + by)

    def action_edge(self, way: int) -> None:
        """Go to the first or the last row."""
        self._go(0 if way < 0 else len(self._rows) - 1)

    def action_page(self, share: float) -> None:
        """Move the cursor by a share of the visible rows."""
        self._go(self._cursor + int(share * max(self.size.height - 1, 2)))

    def action_select(self) -> None:
        """Say that the row under the cursor was chosen."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.RowSelected(self, key))

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        if not self._markable or (key := self.cursor_key) is None or self._rows[self._cursor].group:
            return
        self._marked ^= {key}
        self._repaint({self._cursor})
        self.post_message(self.RowMarked(self, key))
        self._go(self._cursor + 1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked row; a click on the cursor's row chooses it."""
        if (offset := event.get_content_offset(self)) is None or offset.y < 1:
            return
        index = offset.y - 1 + int(self.scroll_offset.y)
        if index >= len(self._rows):
            return
        if index == self._cursor:
            self.action_select()
        else:
            self._go(index)

    def render_line(self, y: int) -> Strip:
        """Return one line: the header at 0, then the rows from the scroll offset on."""
        width = self._width
        if y == 0:
            return self._line(("header", width), self._paint_header)
        index = y - 1 + int(self.scroll_offset.y)
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row, at_cursor = self._rows[index], index == self._cursor
        marked = row.key in self._marked
        key = (row, at_cursor, marked, width, self.has_focus)
        return self._line(key, lambda: self._paint_row(row, at_cursor, marked))

    def _line(self, key: tuple[object, ...], paint: Callable[[], list[Segment]]) -> Strip:
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = Strip(paint()).adjust_cell_length(self._width, self.rich_style)
        return strip

    def _layout(self) -> list[tuple[int, Column, int]]:
        """Return index, column and width of the columns that this screen shows."""
        screen = self.app.size.width
        shown = [(i, column) for i, column in enumerate(self._columns) if screen >= column.min_screen_width]
        fixed = sum(column.width for _, column in shown) + GAP * max(len(shown) - 1, 0) + MARKER
        loose = sum(column.width == 0 for _, column in shown)
        share, odd = divmod(max(self._width - fixed, 0), loose) if loose else (0, 0)
        out = []
        for index, column in shown:
            extra = 0
            if column.width == 0 and odd:
                extra, odd = 1, odd - 1
            out.append((index, column, column.width or share + extra))
        return out

    def _paint_header(self) -> list[Segment]:
        style = self.rich_style + self.get_component_rich_style("live-table--header", partial=True)
        cells = [fit(column.name, width, column.align) for _, column, width in self._layout()]
        return [Segment(" " * MARKER + (" " * GAP).join(cells), style)]

    def _paint_row(self, row: Row, at_cursor: bool, marked: bool) -> list[Segment]:
        base = self.rich_style
        if at_cursor:
            base += self.get_component_rich_style("live-table--cursor", partial=True)
        if marked:
            base += self.get_component_rich_style("live-table--marked", partial=True)
        marker = Segment("*" if marked else ">" if at_cursor else " ", base)
        if row.group:
            style = base + self.get_component_rich_style("live-table--group", partial=True)
            return [marker, Segment(_heading(row.cells, self._width - MARKER), style)]
        return [marker, *self._paint_cells(row, base)]

    def _paint_cells(self, row: Row, base: Style) -> list[Segment]:
        out: list[Segment] = []
        for index, column, width in self._layout():
            cell = row.cells[index] if index < len(row.cells) else ""
            text, tone = cell if isinstance(cell, tuple) else (cell, None)
            style = base + self.get_component_rich_style(f"live-table--{tone}", partial=True) if tone else base
            out += [Segment(fit(text, width, column.align), style), Segment(" " * GAP, base)]
        return out[:-1]


def _heading(cells: Sequence[Cell], width: int) -> str:
    """Return a heading over the whole width; a second cell stands at its right end, behind a rule."""
    first = _text(cells[0]) if cells else ""
    last = f" {_text(cells[1])}" if len(cells) > 1 else ""
    room = width - width_of(last)
    if not last or room < GAP * 4:
        return fit(first, width)
    return fit(first + " " + "─" * max(0, room - width_of(first) - 1), room) + last


def _text(cell: Cell) -> str:
    return cell[0] if isinstance(cell, tuple) else cell
