"""Command log: what this console asked of the backend, as the lines that do the same from a shell."""

from __future__ import annotations

from typing import ClassVar

from aistack_backend.wire.events import Topic
from aistack_console.client.asked import Asked
from aistack_console.keys import Action
from aistack_console.present import asked as show
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line


class AskedScreen(ListingScreen):
    """The calls, newest first, and the chosen one in full."""

    NAME = "asked"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="asked.copy", keys="y", title="Copy the shell line", hint="copy"),
        Action(id="asked.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.TASKS})
    CSS_PATH = "asked.tcss"
    COLUMNS = show.COLUMNS

    @property
    def chosen(self) -> Asked | None:
        """The call under the cursor."""
        key = self.table.cursor_key
        rows = zip(show.rows(self._calls, self.store.tasks), self._calls, strict=True)
        return next((one for row, one in rows if row.key == key), None)

    @property
    def _calls(self) -> tuple[Asked, ...]:
        return tuple(self.console.client.asked.entries)

    def paint(self) -> None:
        """Show the calls and the chosen one."""
        count = len(self._calls)
        self.query_one("#head", Line).show((("COMMAND LOG  ", "accent"), f"{count} asked by this console"))
        table = self.table
        table.set_rows(show.rows(self._calls, self.store.tasks))
        share(self, table, count + 1, 2 / 3)
        self.paint_side()

    def paint_side(self) -> None:
        """Show the chosen one."""
        one = self.chosen
        nothing = "This console has asked for no change yet. What other consoles asked is in Audit."
        self.query_one(Detail).show(show.detail(one, self.store.tasks) if one else (para((nothing, "dim")),))

    def do_copy(self) -> None:
        """Offer the shell line, or the call where no verb does the same."""
        if (one := self.chosen) is not None:
            offer(self.app, (("line", show.line(one)), ("call", show.route(one))))
