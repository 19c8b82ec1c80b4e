"""Formatted: text or Markdown that grows while it is written, cheap at any length."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from aistack_console.present.growing import Growing
from aistack_console.present.laying import Laid, lay
from aistack_console.present.markdown import Code

EVERY = 0.08
"""Seconds between two paints while text comes: about 12 a second."""
MARKS = ("strong", "em", "s", "code", "head", "link", "dim", "word", "call", "string", "number", "remark")


class Formatted(Widget):
    """Shows Markdown, or text exactly as it is; :meth:`append` may be called for every token.

    Only the last block is read and laid out again when text comes (see ``present.growing``), and the screen is laid
    out again only when the number of lines changed. Nothing in the text can be clicked.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"formatted--{mark}" for mark in (*MARKS, "ground")}
    DEFAULT_CSS = """
    Formatted { height: auto; width: 1fr; color: $foreground; }
    Formatted > .formatted--strong { text-style: bold; }
    Formatted > .formatted--em { text-style: italic; }
    Formatted > .formatted--s { text-style: strike; }
    Formatted > .formatted--code { color: $text-warning; }
    Formatted > .formatted--head { color: $text-accent; text-style: bold; }
    Formatted > .formatted--link { text-style: underline; }
    Formatted > .formatted--dim { color: $text-muted; }
    Formatted > .formatted--word { color: $text-accent; }
    Formatted > .formatted--call { color: $text-primary; }
    Formatted > .formatted--string { color: $text-success; }
    Formatted > .formatted--number { color: $text-warning; }
    Formatted > .formatted--remark { color: $text-muted; text-style: italic; }
    Formatted > .formatted--ground { color: $foreground; background: $panel; }
    """

    def __init__(self, text: str = "", *, formatted: bool = True, numbered: int = 0) -> None:
        super().__init__()
        self._growing = Growing(text, formatted=formatted, numbered=numbered)
        self._growing.end()
        self._fresh = ""
        self._lines: list[Laid] = []
        self._kept, self._blocks, self._width = 0, 0, 0
        self._starts: list[int] = []
        """The line at which each closed block begins that was laid out."""
        self._due = False
        self._styles_of: dict[str, Style] = {}

    @property
    def text(self) -> str:
        """Everything that came so far."""
        return self._growing.text + self._fresh

    @property
    def code(self) -> tuple[Code, ...]:
        """The blocks of code in it, in order."""
        self.flush()
        return self._growing.code

    def append(self, text: str) -> None:
        """Add text at the end; it is painted within :data:`EVERY` seconds."""
        self._fresh += text
        if not self._due and self.is_mounted:
            self._due = True
            self.set_timer(EVERY, self.flush)

    def end(self) -> None:
        """Paint what came; nothing more does, so that a block of code is closed by the last line."""
        self.flush()
        self._growing.end()
        self._lay_out(self._width)
        self.refresh()

    def flush(self) -> None:
        """Paint what came."""
        self._due = False
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, ""
        self._growing.add(fresh)
        before = len(self._lines)
        self._lay_out(self._width)
        self.refresh(layout=len(self._lines) != before)

    def _lay_out(self, width: int) -> None:
        if width != self._width:
            self._width, self._kept, self._blocks = width, 0, 0
        if width <= 0:
            return
        again = self._growing.recoloured()
        if again is not None and again < self._blocks:
            self._kept, self._blocks = self._starts[again], again
        del self._lines[self._kept :], self._starts[self._blocks :]
        closed = self._growing.closed
        for number in range(self._blocks, len(closed)):
            self._starts.append(len(self._lines))
            self._lines += lay((closed[number],), width, closed[number - 1] if number else None)
        self._kept, self._blocks = len(self._lines), len(closed)
        self._lines += lay(self._growing.open, width, closed[-1] if closed else None)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines at that width."""
        if width != self._width:
            self._lay_out(width)
        return max(1, len(self._lines))

    def notify_style_update(self) -> None:
        """Forget the styles of another theme."""
        self._styles_of.clear()
        super().notify_style_update()

    def _style(self, mark: str, code: bool) -> Style:
        key = f"{mark}|{code}"
        if (found := self._styles_of.get(key)) is None:
            found = self.rich_style
            if code:
                found += self.get_component_rich_style("formatted--ground")
            for name in mark.split():
                if code and name == "code":
                    continue
                found += self.get_component_rich_style(f"formatted--{name}", partial=True)
            self._styles_of[key] = found
        return found

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        width = self.size.width
        line = self._lines[y] if y < len(self._lines) else Laid(())
        pieces = [Segment(text, self._style(mark, line.code)) for text, mark in line.pieces]
        return Strip(pieces).adjust_cell_length(width, self._style("", line.code))
