"""A small question with the safe answer first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_console.widgets.guard import KeyGuard
from aistack_console.widgets.line import Line


class Confirm(ModalScreen[bool]):
    """Asks one question; only ``y`` says yes, and only once the keys that were on their way have passed."""

    CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 70; max-width: 100%; height: 6; border: heavy $warning; background: $surface;
        padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,enter", "answer(False)", "No"),
    ]

    def __init__(self, question: str, mono: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._question, self._mono = question, mono
        self._guard = KeyGuard(mono())

    def compose(self) -> ComposeResult:
        """Show the question and its keys."""
        with Vertical():
            yield Line(id="question")
            yield Line()
            yield Line(id="answers")

    def on_mount(self) -> None:
        """Show the texts."""
        self.query_one("#question", Line).show((self._question,))
        self.query_one("#answers", Line).show((("y", "accent"), " yes   ", ("n or esc", "accent"), " no"))

    def on_key(self, event: events.Key) -> None:
        """Swallow keys that were typed before the question could be read."""
        if not self._guard.press(event.time) and event.key != "escape":
            event.stop()

    def action_answer(self, answer: bool) -> None:
        """Answer and close."""
        self.dismiss(answer)
