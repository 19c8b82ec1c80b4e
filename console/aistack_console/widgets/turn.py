"""Turn: one message of a conversation, while it is written and afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from aistack_console.present.table import Cell
from aistack_console.widgets.line import Line
from aistack_console.widgets.stream_text import StreamText

LIMIT = 60_000
"""Characters above which text is better shown as it is."""
DEEPEST = 12
"""Most levels of quotes or lists; deeper text is better shown as it is."""


class Turn(Vertical):
    """Who speaks, what is said, and what it cost."""

    DEFAULT_CSS = """
    Turn { height: auto; margin: 0 0 1 0; }
    Turn > StreamText { padding: 0 0 0 2; }
    Turn > MarkdownView { padding: 0 0 0 2; }
    Turn > .foot { padding: 0 0 0 2; }
    """

    def __init__(self, who: Cell, text: str = "", foot: Sequence[Cell] = (), *, markdown: bool = False) -> None:
        super().__init__()
        self.who = who
        self._text = text
        self._foot = tuple(foot)
        self._markdown = markdown and suits(text)

    @property
    def text(self) -> str:
        """What was said so far."""
        written = self.query(StreamText)
        return written.first().text if written else self._text

    def compose(self) -> ComposeResult:
        """Lay out head, body and foot."""
        yield Line()
        if self._markdown:
            yield _formatted(self._text)
        else:
            yield StreamText(self._text)
        yield Line(classes="foot")

    def on_mount(self) -> None:
        """Show who speaks and what was measured."""
        head, foot = self.query(Line)
        head.show([self.who])
        foot.show(self._foot)
        foot.display = bool(self._foot)

    def append(self, text: str) -> None:
        """Add text while it is written."""
        self.query_one(StreamText).append(text)

    def close(self, foot: Sequence[Cell]) -> None:
        """Show what the answer measured; a finished answer is formatted from now on."""
        written = self.query_one(StreamText)
        written.flush()
        line = self.query(Line).last()
        line.show(foot)
        line.display = bool(foot)
        self._text = written.text
        if self._text.strip() and suits(self._text):
            self.mount(_formatted(self._text), after=written)
            written.remove()


def suits(text: str) -> bool:
    """Whether a text is small and flat enough to be formatted."""
    return len(text) <= LIMIT and not any(_depth(line) > DEEPEST for line in text.split("\n"))


def _depth(line: str) -> int:
    lead = line[: len(line) - len(line.lstrip(" >-*+0123456789.)"))]
    return sum(char in ">-*+.)" for char in lead) + len(lead) // 8


def _formatted(text: str) -> Widget:
    from aistack_console.widgets.markdown_view import MarkdownView  # 20 ms that the first frame does not wait for

    return MarkdownView(text)
