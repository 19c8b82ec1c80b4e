"""Turn: one message of a conversation, while it is written and afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_console.present.markdown import Code
from aistack_console.present.table import Cell
from aistack_console.widgets.formatted import Formatted
from aistack_console.widgets.line import Line


class Turn(Vertical):
    """Who speaks, what is said, and what it cost. An answer is Markdown; a person's words stand as they are."""

    DEFAULT_CSS = """
    Turn { height: auto; margin: 0 0 1 0; }
    Turn > Formatted { padding: 0 0 0 2; }
    Turn > .foot { padding: 0 0 0 2; }
    """

    def __init__(self, who: Cell, text: str = "", foot: Sequence[Cell] = (), *, markdown: bool = False) -> None:
        super().__init__()
        self.who = who
        self._foot = tuple(foot)
        self._said = Formatted(text, formatted=markdown)

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._said.text

    @property
    def code(self) -> tuple[Code, ...]:
        """The blocks of code in it."""
        return self._said.code

    def compose(self) -> ComposeResult:
        """Lay out head, body and foot."""
        yield Line()
        yield self._said
        yield Line(classes="foot")

    def on_mount(self) -> None:
        """Show who speaks and what was measured."""
        self.query(Line).first().show([self.who])
        self._show_foot()

    def append(self, text: str) -> None:
        """Add text while it is written."""
        self._said.append(text)

    def close(self, foot: Sequence[Cell]) -> None:
        """Show what the answer measured."""
        self._said.flush()
        self._foot = tuple(foot)
        self._show_foot()

    def _show_foot(self) -> None:
        line = self.query(Line).last()
        line.show(self._foot)
        line.display = bool(self._foot)
