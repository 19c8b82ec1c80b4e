"""CopyMenu: what can be copied of the thing under the cursor, by name; one key each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from aistack_console.clipboard import copy
from aistack_console.present.table import Column
from aistack_console.text import plain
from aistack_console.widgets.pick import Pick

if TYPE_CHECKING:
    from textual.app import App


class CopyMenu(Pick):
    """Closes with the chosen text; None = nothing was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "dismiss", "Close", show=False, id="copy.close")]
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("", 1), Column("WHAT", 10), Column("TEXT", 0))

    def words(self, name: str, said: str) -> tuple[str, str]:
        """Return the name and the text, whose newlines are made visible."""
        return name, plain(said)

    def chosen(self, item: tuple[str, str]) -> str:
        """Return the text."""
        return item[1]


def offer(app: App[int], items: Sequence[tuple[str, str]]) -> None:
    """Let the operator choose what to copy; a single thing is copied at once, empty ones are not offered."""
    there = [item for item in items if item[1]]
    if len(there) == 1:
        copy(app, there[0][1])
    elif there:
        app.push_screen(CopyMenu("Copy", there), lambda text: copy(app, text) if text else None)
