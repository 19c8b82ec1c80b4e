"""One line of toned text."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from aistack_console.present.table import Cell

TONES = {
    "ok": "$text-success",
    "warn": "$text-warning",
    "bad": "bold $text-error",
    "dim": "$foreground 60%",
    "accent": "bold $text-accent",
}
"""Tone → style; every tone is also told by its words, never by colour alone."""


def content(cells: Sequence[Cell]) -> Content:
    """Return the cells as content; nothing in them is read as markup."""
    parts = ((cell, "") if isinstance(cell, str) else (cell[0], TONES.get(cell[1], "")) for cell in cells)
    return Content.assemble(*parts)


class Line(Widget):
    """A line that repaints only when what it shows changes."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.cells: tuple[Cell, ...] = ()

    def show(self, cells: Sequence[Cell]) -> None:
        """Show the cells, one after the other."""
        if tuple(cells) != self.cells:
            self.cells = tuple(cells)
            self.refresh()

    def render(self) -> Content:
        """Return the line."""
        return content(self.cells)
