"""StreamText: text that grows while it is written, wrapped by cells, cheap at any length."""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from aistack_console.cells import fit, wrap_words

EVERY = 0.08
"""Seconds between two paints while text comes: about 12 a second."""


class StreamText(Widget):
    """Shows text exactly as it is, never as markup; :meth:`append` may be called for every token.

    Only the last paragraph is wrapped again when text comes, and the screen is laid out again only when the
    number of lines changed.
    """

    DEFAULT_CSS = "StreamText { height: auto; width: 1fr; color: $foreground; }"

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._text = text
        self._fresh = ""
        self._lines: list[str] = []
        self._done = 0
        self._width = 0
        self._due = False

    @property
    def text(self) -> str:
        """Everything that came so far."""
        return self._text + self._fresh

    def append(self, text: str) -> None:
        """Add text at the end; it is painted within :data:`EVERY` seconds."""
        self._fresh += text
        if not self._due and self.is_mounted:
            self._due = True
            self.set_timer(EVERY, self.flush)

    def flush(self) -> None:
        """Paint what came."""
        self._due = False
        if not self._fresh:
            return
        self._text += self._fresh
        self._fresh = ""
        before = len(self._lines)
        self._wrap(self._width)
        self.refresh(layout=len(self._lines) != before)

    def _wrap(self, width: int) -> None:
        if width != self._width:
            self._width, self._lines, self._done = width, [], 0
        if width <= 0:
            return
        del self._lines[self._kept_lines :]
        paragraphs = self._text[self._done :].split("\n")
        for paragraph in paragraphs[:-1]:
            self._lines += wrap_words(paragraph, width)
            self._done += len(paragraph) + 1
        self._kept_lines = len(self._lines)
        self._lines += wrap_words(paragraphs[-1], width)

    _kept_lines = 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the wrapped lines at that width."""
        if width != self._width:
            self._kept_lines = 0
            self._wrap(width)
        return max(1, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Return one wrapped line."""
        width = self.size.width
        text = self._lines[y] if y < len(self._lines) else ""
        return Strip([Segment(fit(text, width), self.rich_style)], width)
