"""Empty: what a pane says instead of being empty without a reason."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Empty(Static):
    """One sentence in the middle of a pane: what was tried, and what would be right."""

    DEFAULT_CSS = "Empty { height: 1fr; width: 1fr; content-align: center middle; color: $text-muted; padding: 0 2; }"

    def __init__(self, sentence: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Content(sentence), id=id, markup=False)
        self.sentence = sentence

    def say(self, sentence: str) -> None:
        """Show another sentence."""
        if sentence != self.sentence:
            self.sentence = sentence
            self.update(Content(sentence))
