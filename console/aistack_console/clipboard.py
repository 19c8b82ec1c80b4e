"""Copying by OSC 52: only by an explicit key, at most 100 KiB, and always told."""

from __future__ import annotations

import os
from typing import Any

from textual.app import App

COPY_LIMIT = 100 * 1024
"""Most bytes that go to the terminal's clipboard (R3.4)."""


def copy(app: App[Any], text: str) -> None:
    """Send a text to the terminal's clipboard and say so."""
    if len(text.encode()) > COPY_LIMIT:
        app.notify("This is more than 100 KiB: save it to a file instead.", severity="warning")
        return
    app.copy_to_clipboard(text)
    lines = text.count("\n") + 1
    amount = f"{lines} lines" if lines > 1 else f"{len(text)} characters"
    hint = " tmux passes it on after: set -g set-clipboard on." if "TMUX" in os.environ else ""
    app.notify(f"{amount} sent to the terminal's clipboard.{hint}")
