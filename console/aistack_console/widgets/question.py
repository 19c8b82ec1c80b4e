"""Question: all that is known, and one key that says yes; every other way out says no."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from aistack_console.present.para import Para
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.guard import KeyGuard
from aistack_console.widgets.line import Line


class Question(ModalScreen[bool]):
    """Shows all that is known; ``y`` answers yes. For what costs time or room, never for an action of the gate."""

    DEFAULT_CSS = """
    Question { align: center middle; }
    Question > Vertical { width: 76; max-width: 100%; height: 16; max-height: 100%; border: solid $border;
                         background: $surface; padding: 0 1; }
    Question Detail { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False, id="question.yes"),
        Binding("escape,n,q", "answer(False)", "No", show=False, id="question.no"),
    ]
    AUTO_FOCUS = "Detail"

    def __init__(self, question: str, paras: Sequence[Para], mono: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._mono = mono
        self._guard = KeyGuard(mono())
        self._question = question
        self._paras = tuple(paras)

    def compose(self) -> ComposeResult:
        """Lay out the question, what is known, and the keys."""
        with Vertical():
            yield Line(id="question")
            yield Detail()
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Fill the lines."""
        self.query_one("#question", Line).show([(self._question, "accent")])
        self.query_one(Detail).show(self._paras)
        self.query_one("#keys", Line).show([("y", "accent"), " yes   ", ("Esc", "accent"), " no"])

    def on_key(self, event: events.Key) -> None:
        """Swallow keys that were typed before the question could be read."""
        if not self._guard.press(self._mono()) and event.key != "escape":
            event.stop()

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
