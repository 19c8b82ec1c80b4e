"""EditDialog: the text of a shell command, to be changed. It decides nothing: what comes of it is a new request."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from aistack_console.present.table import Cell
from aistack_console.widgets.line import Line


class EditDialog(ModalScreen[str | None]):
    """Closes with the new text, or with None when it was left or is as it was."""

    CSS = """
    EditDialog { align: center middle; }
    EditDialog > Vertical { width: 100%; max-width: 110; height: 100%; max-height: 90%; border: heavy $warning;
        background: $surface; }
    EditDialog TextArea { height: 1fr; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "save", "Ask for the edited command", show=False, id="edit.save", priority=True),
        Binding("escape", "leave", "Leave it as it is", show=False, id="edit.leave", priority=True),
    ]
    AUTO_FOCUS = "TextArea"

    def __init__(
        self,
        title: str,
        text: str,
        does: str = "ask for it",
        said: str = "it is judged anew and waits for a yes",
    ) -> None:
        """``does`` is what saving does, ``said`` what then becomes of it."""
        super().__init__()
        self._does, self._said = does, said
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Lay out the title, the text and the keys."""
        with Vertical():
            yield Line(id="edit-head")
            yield TextArea(self._text, show_line_numbers=True, compact=True, soft_wrap=True)
            yield Line(id="edit-keys")

    def on_mount(self) -> None:
        """Fill the lines."""
        self.query_one("#edit-head", Line).show(((f" {self._title}", "accent"),))
        leave: tuple[Cell, ...] = (("esc", "accent"), " leave it", (f"   {self._said}", "dim"))
        keys: tuple[Cell, ...] = ((" ctrl+o", "accent"), f" {self._does}  ", *leave)
        self.query_one("#edit-keys", Line).show(keys)

    def action_save(self) -> None:
        """Close with the text when it was changed."""
        text = self.query_one(TextArea).text
        self.dismiss(text if text != self._text else None)

    def action_leave(self) -> None:
        """Close without a text."""
        self.dismiss(None)
