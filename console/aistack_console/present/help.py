"""The help page: every key of a screen and of the app, and why one does nothing now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aistack_console.present.para import Para, title
from aistack_console.present.table import Cell

WIDTH = 15
"""Cells of the key column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One line of help."""

    keys: str
    """As a person would write them; empty = by palette or command only."""
    title: str
    command: str = ""
    """Its ``:`` command."""
    off: str = ""
    """Why it does nothing now; empty = it works."""


LISTS = (
    Key(keys="j k arrows", title="Down, up"),
    Key(keys="g G", title="First, last"),
    Key(keys="^d ^u PgDn PgUp", title="Half a page, a page"),
    Key(keys="space", title="Mark, where marks are"),
    Key(keys="enter", title="Open"),
    Key(keys="tab", title="Next pane"),
)
"""Keys of lists and texts, the same on every screen."""


def help_paras(screen: str, here: Iterable[Key], everywhere: Iterable[Key]) -> tuple[Para, ...]:
    """Return the help of one screen: its keys, those of lists, those of the app."""
    return (
        title(screen),
        *map(_line, here),
        title("Lists and texts"),
        *map(_line, LISTS),
        title("Everywhere"),
        *map(_line, everywhere),
    )


def _line(key: Key) -> Para:
    command = f"  :{key.command}" if key.command else ""
    cells: list[Cell] = [
        (f"{key.keys or '-':<{WIDTH}} ", "dim" if key.off else "accent"),
        (key.title, "dim" if key.off else "plain"),
        (command, "dim"),
    ]
    if key.off:
        cells.append((f"  off: {key.off}", "warn"))
    return Para(tuple(cells), " " * (WIDTH + 1))
