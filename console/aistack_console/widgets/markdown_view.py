"""MarkdownView: a finished answer, formatted; its links are told, never opened."""

from __future__ import annotations

from textual.widgets import Markdown


class MarkdownView(Markdown):
    """Markdown of untrusted text. Nothing is opened from here: on SSH a browser would start on the server."""

    DEFAULT_CSS = "MarkdownView { height: auto; padding: 0; margin: 0; }"

    def __init__(self, text: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(text, id=id, classes=classes, open_links=False)

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Tell where a link leads."""
        event.stop()
        self.app.notify(f"The link leads to {event.href}", markup=False)
