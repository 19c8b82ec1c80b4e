"""Pick: one of a few things, by arrow and Enter or by its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_console.present.table import Column, Row
from aistack_console.text import one_line
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

TALLEST = 12
"""Rows that are shown at once."""


class Pick(ModalScreen[str | None]):
    """Closes with the chosen name; None = nothing was chosen."""

    DEFAULT_CSS = """
    Pick { align: center middle; }
    Pick > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; border: solid $border;
                      background: $surface; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", show=False, id="pick.close"),
        *(Binding(str(number), f"take({number})", show=False) for number in range(1, 10)),
    ]
    AUTO_FOCUS = "LiveTable"
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("", 1), Column("NAME", 16), Column("WHAT", 0))

    def __init__(self, heading: str, items: Sequence[tuple[str, str]], now: str = "") -> None:
        """``items``: names and what they are; ``now`` is the name that holds already."""
        super().__init__()
        self._heading, self._items, self._now = heading, tuple(items), now

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical():
            yield Line(id="pick-head")
            yield LiveTable(self.COLUMNS)

    def on_mount(self) -> None:
        """Fill the list; the cursor stands on what holds already."""
        self.query_one(Line).show([(self._heading, "accent"), ("   enter or its number, Esc closes", "dim")])
        rows = [
            Row(str(number), ((str(number), "accent"), *self.words(name, said)))
            for number, (name, said) in enumerate(self._items, 1)
        ]
        table = self.query_one(LiveTable)
        table.styles.height = min(len(rows), TALLEST) + 1
        table.set_rows(tuple(rows))
        table.move_to(str(next((n for n, (name, _) in enumerate(self._items, 1) if name == self._now), 1)))

    def words(self, name: str, said: str) -> tuple[str, str]:
        """Return what a row shows of an item."""
        return one_line(name) or "(usual)", one_line(said)

    def chosen(self, item: tuple[str, str]) -> str:
        """Return what this closes with when an item is taken."""
        return item[0]

    @on(LiveTable.RowSelected)
    def _selected(self, event: LiveTable.RowSelected) -> None:
        self.action_take(int(event.key))

    def action_take(self, number: int) -> None:
        """Close with the item of that number, if there is one."""
        if number <= len(self._items):
            self.dismiss(self.chosen(self._items[number - 1]))
