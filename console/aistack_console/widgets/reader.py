"""Reader: a text over the screen, to be read and left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_console.present.para import Para
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line


class Reader(ModalScreen[None]):
    """Shows paragraphs until it is left; nothing can be done in it."""

    DEFAULT_CSS = """
    Reader { align: center middle; }
    Reader > Vertical { width: 100; max-width: 100%; height: 80%; border: solid $border; background: $surface;
                        padding: 0 1; }
    Reader Detail { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,W,enter", "dismiss", "Close", show=False, id="reader.close"),
    ]
    AUTO_FOCUS = "Detail"

    def __init__(self, heading: str, paras: Sequence[Para]) -> None:
        super().__init__()
        self._heading, self._text = heading, tuple(paras)

    def compose(self) -> ComposeResult:
        """Lay out the heading, the text and the key that leaves."""
        with Vertical():
            yield Line(id="reader-head")
            yield Detail()
            yield Line(id="reader-keys")

    def on_mount(self) -> None:
        """Fill the lines."""
        self.query_one("#reader-head", Line).show(((self._heading, "accent"),))
        self.query_one(Detail).show(self._text)
        self.query_one("#reader-keys", Line).show(
            (("Esc", "accent"), " closes   ", ("j k space", "accent"), " read on")
        )
