"""Prompt: the lines a message is written in, with what was typed before and ways to go on."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from aistack_console.errors import ConsoleError
from aistack_console.said import Said
from aistack_console.widgets.offer_list import OfferList


class Prompt(TextArea):
    """Grows to a third of the screen. Enter sends, Ctrl+J begins a new line, Tab takes what is offered.

    Up on the first line brings back what was typed before, Down goes forward again, to the draft at last.
    """

    DEFAULT_CSS = """
    Prompt { height: auto; min-height: 1; max-height: 33vh; border: none; padding: 0 1; background: $panel; }
    """

    class Sent(Message):
        """A message was written and sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Typed(Message):
        """What stands before the cursor changed."""

        def __init__(self, before: str) -> None:
            super().__init__()
            self.before = before

    class Escaped(Message):
        """Esc was pressed: cancel what runs, or leave the prompt."""

    class Failed(Message):
        """What was typed cannot be kept, and why."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, said: Said, offers: OfferList, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(
            id=id, show_line_numbers=False, compact=True, placeholder="Ask, / for commands, @ to attach, !GOAL to act"
        )
        self._said, self._offers = said, offers
        self._back = 0
        self._draft = ""

    async def _on_key(self, event: events.Key) -> None:
        if not (self._on_offer_key(event.key) or self._on_own_key(event.key)):
            self._back = 0 if event.is_printable else self._back
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def _on_offer_key(self, key: str) -> bool:
        """Do what a key does while something is offered; False = it is not for the offers."""
        offers = self._offers
        if not offers.open:
            return False
        if key == "tab" or (key == "enter" and offers.moved):
            self._take()
        elif key in {"up", "down"}:
            offers.move(1 if key == "down" else -1)
        elif key == "escape":
            offers.close()
        else:
            return False
        return True

    def _on_own_key(self, key: str) -> bool:
        if key == "enter":
            self.send()
        elif key == "ctrl+j":
            self.insert("\n")
        elif key == "tab":
            return True  # nothing is offered: whoever types on must not find that the letters became keys
        elif key == "escape":
            self.post_message(self.Escaped())
        elif key == "up" and (self._back or self.cursor_location[0] == 0):
            self._recall(1)
        elif key == "down" and self._back:
            self._recall(-1)
        else:
            return False
        return True

    def send(self) -> None:
        """Send the text and keep it for Up; nothing when there is none."""
        text = self.text.strip()
        if not text:
            return
        try:
            self._said.add(text)
        except ConsoleError as error:
            self.post_message(self.Failed(error.sentence))
        self._back = 0
        self.clear()
        self.post_message(self.Sent(text))

    def write(self, text: str) -> None:
        """Put a text in place of what stands there, the cursor at its end."""
        self.text = text
        self._back = 0
        self.move_cursor(self.document.end)

    def on_text_area_changed(self) -> None:
        """Tell what stands before the cursor, so that ways to go on can be offered."""
        self.post_message(self.Typed(self.get_text_range((0, 0), self.cursor_location)))

    def _take(self) -> None:
        """Put the chosen offer in place of what was begun."""
        before = self.get_text_range((0, 0), self.cursor_location)
        done = self._offers.taken(before)
        self.text = done + self.text[len(before) :]
        lines = done.split("\n")
        self.move_cursor((len(lines) - 1, len(lines[-1])))

    def _recall(self, step: int) -> None:
        if not self._back:
            self._draft = self.text
        texts = self._said.texts
        self._back = max(0, min(len(texts), self._back + step))
        self.text = texts[-self._back] if self._back else self._draft
        self.move_cursor(self.document.end)
