"""The second line of every screen: the screens and their keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from aistack_console.present.table import Cell
from aistack_console.widgets.line import Line


class Tabs(Line):
    """One word a screen; a click goes there."""

    DEFAULT_CSS = "Tabs { background: $surface; }"

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._spans: list[tuple[int, int, str]] = []

    def set_tabs(self, tabs: Sequence[tuple[str, str]], current: str) -> None:
        """Show ``(name, label)`` pairs; the current one is marked by brackets."""
        cells: list[Cell] = []
        self._spans = []
        at = 0
        for name, label in tabs:
            text = f"[{label}]" if name == current else f" {label} "
            self._spans.append((at, at + len(text), name))
            cells.append((text, "accent") if name == current else text)
            at += len(text)
        self.show(cells)

    def on_click(self, event: events.Click) -> None:
        """Tell which tab was clicked."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(name))
