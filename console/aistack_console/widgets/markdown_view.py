"""MarkdownView: a finished answer, formatted; its links are told, never opened."""

from __future__ import annotations

from textual.widgets import Markdown


class MarkdownView(Markdown):
    """Markdown of untrusted text. Nothing is opened from here: on SSH a browser would start on the server."""

    DEFAULT_CSS = "MarkdownView { height: auto; padding: 0; margin: 0; }"
    LIMIT = 60_000
    """Characters above which text is better shown as it is."""
    DEEPEST = 12
    """Most levels of quotes or lists; deeper text is better shown as it is."""

    def __init__(self, text: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(text, id=id, classes=classes, open_links=False)

    @classmethod
    def suits(cls, text: str) -> bool:
        """Whether a text is small and flat enough to be formatted."""
        return len(text) <= cls.LIMIT and not any(_depth(line) > cls.DEEPEST for line in text.split("\n"))

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Tell where a link leads."""
        event.stop()
        self.app.notify(f"The link leads to {event.href}", markup=False)


def _depth(line: str) -> int:
    lead = line[: len(line) - len(line.lstrip(" >-*+0123456789.)"))]
    return sum(char in ">-*+.)" for char in lead) + len(lead) // 8
