"""The last line of every screen: the keys that matter here; a ``:`` or ``/`` line takes its place."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input

from aistack_console.present.table import Cell
from aistack_console.widgets.line import Line


class HintLine(Line):
    """Keys and words, as many as fit."""

    DEFAULT_CSS = "HintLine { background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._hints: tuple[tuple[str, str, bool], ...] = ()
        self._always: tuple[tuple[str, str, bool], ...] = ()

    def set_hints(self, hints: Sequence[tuple[str, str, bool]], always: Sequence[tuple[str, str, bool]] = ()) -> None:
        """Show ``(key, word, enabled)``; ``always`` keeps its place at the end when space is short."""
        self._hints, self._always = tuple(hints), tuple(always)
        self._fit()

    def on_resize(self) -> None:
        """Fit the hints again."""
        self._fit()

    def _fit(self) -> None:
        room = self.size.width - sum(_width(hint) for hint in self._always)
        cells: list[Cell] = []
        for hint in self._hints:
            room -= _width(hint)
            if room < 0:
                break
            cells += _cells(hint)
        for hint in self._always:
            cells += _cells(hint)
        self.show(cells)


def _width(hint: tuple[str, str, bool]) -> int:
    return len(hint[0]) + len(hint[1]) + 3


def _cells(hint: tuple[str, str, bool]) -> tuple[Cell, ...]:
    key, word, enabled = hint
    return ((f" {key}", "accent" if enabled else "dim"), (f" {word} ", "plain" if enabled else "dim"))


PLACEHOLDERS = {"command": "command, Tab completes", "filter": "filter: regex, !x inverts; Esc clears"}


class EntryLine(Input):
    """A line to type a command or a filter in; Enter sends it, Esc leaves it."""

    DEFAULT_CSS = "EntryLine { display: none; border: none; height: 1; padding: 0; &.-on { display: block; } }"

    class Entered(Message):
        """The line was sent. ``kind`` is ``command``, ``filter``, or a screen's own."""

        def __init__(self, kind: str, text: str) -> None:
            super().__init__()
            self.kind = kind
            self.text = text

    class Left(Message):
        """The line was left with Esc."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind = kind

    class Typed(Message):
        """The text of a filter changed."""

        def __init__(self, kind: str, text: str) -> None:
            super().__init__()
            self.kind = kind
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(compact=True, id=id, select_on_focus=False)
        self.kind = "command"
        self._past: list[str] = []
        self._back = 0

    def open(self, kind: str, text: str = "", words: Sequence[str] = ()) -> None:
        """Take the focus and begin with ``text``; ``words`` are offered for completion."""
        self.kind = kind
        self.suggester = SuggestFromList(words, case_sensitive=True) if words else None
        self.placeholder = PLACEHOLDERS.get(kind, f"{kind}: Enter sends, Esc leaves")
        self.value = text
        self.cursor_position = len(text)
        self._back = 0
        self.add_class("-on")
        self.screen.set_focus(self)  # now, not later: the next keys are meant for this line

    def close(self) -> None:
        """Give the line back to the hints."""
        self.remove_class("-on")

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            self.close()
            self.post_message(self.Left(self.kind))
        elif event.key == "tab":
            self.action_cursor_right()  # at the end of the text this takes the suggestion
        elif event.key in {"up", "down"} and self.kind == "command":
            self._recall(1 if event.key == "up" else -1)
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def _recall(self, step: int) -> None:
        self._back = max(0, min(len(self._past), self._back + step))
        self.value = self._past[-self._back] if self._back else ""
        self.cursor_position = len(self.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell of each change, so that a filter works while it is typed."""
        event.stop()
        if self.has_class("-on"):
            self.post_message(self.Typed(self.kind, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the line."""
        event.stop()
        if self.kind == "command" and event.value:
            self._past.append(event.value)
        self.close()
        self.post_message(self.Entered(self.kind, event.value))
