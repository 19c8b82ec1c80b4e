"""Checklist: the owner's success criteria as live ticks, run again on one key."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.checklist import Checklist, Tick
from aistack_backend.wire.events import Topic
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import checklist as show
from aistack_console.present import empty
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line


class ChecklistScreen(ListingScreen):
    """Ticks by phase, and the chosen one with what was found."""

    NAME = "checklist"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="checklist.run", keys="r", title="Run all of it now", hint="run", mutates=True),
        Action(id="checklist.copy", keys="y", title="Copy the criterion or what was found", hint="copy"),
        Action(id="checklist.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.CHECKLIST})
    CSS_PATH = "checklist.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._read: Checklist | None = None
        self._problem = ""
        self._asked = False

    @property
    def found(self) -> Checklist | None:
        """The newest of what was told and what was read."""
        return self.store.checklist or self._read

    @property
    def chosen(self) -> Tick | None:
        """The tick under the cursor."""
        key = self.table.cursor_key
        return next((one for one in self.found.ticks if one.id == key), None) if self.found else None

    def paint(self) -> None:
        """Show the ticks; ask for them when nobody has told them."""
        if self.found is None and self.store.down is None and not self._asked:
            self._asked = True
            self._fetch(run=False)
        now, found = self.store.now(), self.found
        self.query_one("#head", Line).show(show.head(found, now))
        table = self.table
        table.set_rows(show.rows(found, now) if found else ())
        share(self, table, len(table.rows) + 1, 2 / 3)
        if self.app.size.height >= 30:
            table.styles.height = "2fr"
        self.paint_side()

    def paint_side(self) -> None:
        """Show the chosen one."""
        detail = self.query_one(Detail)
        if self.chosen is not None:
            detail.show(show.detail(self.chosen, self.store.now()))
        elif self._problem:
            detail.show((para((self._problem, "bad")),))
        elif self.found is None:
            detail.show(empty.away(self.store.why_down))
        else:
            detail.show(() if self.found.ticks else empty.checklist())

    @work(exclusive=True, group="checklist")
    async def _fetch(self, run: bool) -> None:
        client = self.console.client
        try:
            self._read = await (client.run_checklist() if run else client.checklist())
            self._problem = ""
        except ConsoleError as error:
            self._problem = error.sentence
            if run:
                self.console.say(error.sentence, "bad")
        self.repaint()

    def do_run(self) -> None:
        """Run the whole checklist; its ticks change as they are found."""
        self.console.say("The checklist runs; its lines change as they are found.")
        self._fetch(run=True)

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen tick."""
        if (one := self.chosen) is not None:
            offer(self.app, (("criterion", one.text), ("found", one.detail)))
