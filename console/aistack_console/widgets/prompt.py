"""Prompt: the lines a message is written in."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea


class Prompt(TextArea):
    """Grows to ten lines. Enter sends, Ctrl+J begins a new line, Up in an empty prompt brings the last one back."""

    DEFAULT_CSS = """
    Prompt { height: auto; min-height: 1; max-height: 10; border: none; padding: 0 1; background: $panel; }
    """

    class Sent(Message):
        """A message was written and sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Escaped(Message):
        """Esc was pressed: cancel what runs, or leave the prompt."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, show_line_numbers=False, compact=True, placeholder="Ask, or /do a goal for the stack")
        self._past: list[str] = []
        self._back = 0

    async def _on_key(self, event: events.Key) -> None:
        key = event.key
        if key == "enter":
            self.send()
        elif key == "ctrl+j":
            self.insert("\n")
        elif key == "escape":
            self.post_message(self.Escaped())
        elif key in {"up", "down"} and (not self.text or self._back):
            self._recall(1 if key == "up" else -1)
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def send(self) -> None:
        """Send the text and keep it for Up; nothing when there is none."""
        text = self.text.strip()
        if text:
            self._past.append(text)
            self._back = 0
            self.clear()
            self.post_message(self.Sent(text))

    def _recall(self, step: int) -> None:
        self._back = max(0, min(len(self._past), self._back + step))
        self.text = self._past[-self._back] if self._back else ""
        self.move_cursor(self.document.end)
