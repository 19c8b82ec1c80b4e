"""MarkdownView: a finished answer, formatted; its links are told, never opened."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.widgets import Markdown


class MarkdownView(Markdown):
    """Markdown of untrusted text. Nothing is opened from here: on SSH a browser would start on the server.

    Its blocks are composed, so they are there before it is mounted. Textual's own way parses in a thread and mounts
    them later in a batch, which keeps layouts from the whole screen meanwhile. ``_build_from_source``, ``_markdown``
    and ``_on_mount`` are Textual's private names: textual is pinned, and the tests of the chat fail when they change.
    """

    DEFAULT_CSS = "MarkdownView { height: auto; padding: 0; margin: 0; }"

    def __init__(self, text: str, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, open_links=False)
        self._markdown = text

    def compose(self) -> ComposeResult:
        """Lay out the blocks of the text."""
        yield from self._build_from_source(self._markdown or "")

    def _on_mount(self, event: events.Mount) -> None:  # type: ignore[override]
        event.prevent_default()  # Markdown's own would remove the blocks and mount them again, late

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Tell where a link leads."""
        event.stop()
        self.app.notify(f"The link leads to {event.href}", markup=False)
