"""CopyMenu: what can be copied of the thing under the cursor, by name; one key each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_console.clipboard import copy
from aistack_console.present.table import Column, Row
from aistack_console.text import plain
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import App

COLUMNS = (Column("", 1), Column("WHAT", 10), Column("TEXT", 0))


class CopyMenu(ModalScreen[str | None]):
    """Closes with the chosen text; None = nothing was chosen."""

    DEFAULT_CSS = """
    CopyMenu { align: center middle; }
    CopyMenu > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; border: solid $border;
                          background: $surface; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "dismiss", "Close", show=False, id="copy.close"),
        *(Binding(str(number), f"take({number})", show=False) for number in range(1, 10)),
    ]
    AUTO_FOCUS = "LiveTable"

    def __init__(self, items: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._items = tuple(items)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical():
            yield Line(id="copy-head")
            yield LiveTable(COLUMNS)

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one(Line).show([("Copy", "accent"), ("   enter or its number, Esc closes", "dim")])
        rows = [Row(str(n), ((str(n), "accent"), name, plain(text))) for n, (name, text) in enumerate(self._items, 1)]
        table = self.query_one(LiveTable)
        table.styles.height = len(rows) + 1
        table.set_rows(tuple(rows))

    @on(LiveTable.RowSelected)
    def _selected(self, event: LiveTable.RowSelected) -> None:
        self.action_take(int(event.key))

    def action_take(self, number: int) -> None:
        """Close with the text of that number, if there is one."""
        if number <= len(self._items):
            self.dismiss(self._items[number - 1][1])


def offer(app: App[int], items: Sequence[tuple[str, str]]) -> None:
    """Let the operator choose what to copy; a single thing is copied at once, empty ones are not offered."""
    there = [item for item in items if item[1]]
    if len(there) == 1:
        copy(app, there[0][1])
    elif there:
        app.push_screen(CopyMenu(there), lambda text: copy(app, text) if text else None)
