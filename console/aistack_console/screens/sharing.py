"""How a list and the text below it share a screen that has no room for them side by side."""

from __future__ import annotations

from textual.widget import Widget

from aistack_console.screens.base import BaseScreen

WIDE = 140
"""Columns from which they stand side by side (``-wide``)."""
FRAME = 4
"""Lines that are neither: header, tabs, the line above the list, the hints."""
LEAST = 3
"""Lines that a list keeps, however short it is."""


def share(screen: BaseScreen, top: Widget, lines: int, most: float) -> None:
    """Give the list the lines it needs, at most that share of the screen; the text gets the rest.

    Asks the terminal's size, not the layout: the first paint comes before there is one.
    """
    size = screen.app.size
    fitting = max(LEAST, min(lines, int((size.height - FRAME) * most)))
    top.styles.height = "1fr" if size.width >= WIDE else fitting
