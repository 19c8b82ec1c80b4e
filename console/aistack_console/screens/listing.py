"""What screens of a head, a list and the chosen row in full lay out and do alike."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_console.present.table import Column
from aistack_console.screens.base import BaseScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class ListingScreen(BaseScreen):
    """A head, a list, and what is under its cursor; Enter goes to read that, Esc leaves."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()

    @property
    def table(self) -> LiveTable:
        """The list."""
        return self.query_one("#table", LiveTable)

    def compose_body(self) -> ComposeResult:
        """Yield head, list and the chosen row."""
        yield Line(id="head")
        with Vertical(id="panes"):
            yield LiveTable(self.COLUMNS, id="table")
            yield Detail(id="detail")

    def paint_side(self) -> None:
        """Show what is under the cursor in full."""

    def do_back(self) -> None:
        """Go back to the last screen."""
        self.console.back()

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self.paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()
