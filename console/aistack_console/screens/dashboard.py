"""Dashboard: the four sections of the owner's note in one place, each number with its window, age and source."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work

from aistack_backend.wire.dashboard import Dashboard
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import dashboard as show
from aistack_console.present import empty
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

EVERY = 5.0
"""Seconds after which it is read again while it is shown."""


class DashboardScreen(ListingScreen):
    """Every point of the note, and the chosen one in full; Enter goes to the screen that has it whole."""

    NAME = "dashboard"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="dashboard.open", keys="", title="Open the screen that has it whole"),
        Action(id="dashboard.read", keys="r", title="Read again", hint="read"),
        Action(id="dashboard.copy", keys="y", title="Copy the number or its metric's name", hint="copy"),
        Action(id="dashboard.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset()
    CSS_PATH = "dashboard.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._board: Dashboard | None = None
        self._tried, self._problem, self._reading = 0.0, "", False

    def paint(self) -> None:
        """Show what was read; read when nobody has lately."""
        now = self.store.now()
        if self.store.down is None and not self._reading and now - self._tried > EVERY:
            self._reading = True
            self._fetch()
        lead = show.head(self._board, now)
        self.query_one("#head", Line).show((*lead, (f"  {self._problem}", "bad")) if self._problem else lead)
        self.table.set_rows(show.rows(self._board, now))
        share(self, self.table, len(self.table.rows) + 1, 2 / 3)
        self.paint_side()

    def paint_side(self) -> None:
        """Show the chosen figure, or why there is none."""
        detail = self.query_one(Detail)
        if self._board is not None:
            detail.show(show.detail(self._board, self.table.cursor_key or "", self.store.now()))
        elif self.store.down is not None:
            detail.show(empty.away(self.store.why_down))
        else:
            detail.show((para((self._problem or "Reading ...", "bad" if self._problem else "dim")),))

    @work(exclusive=True, group="dashboard")
    async def _fetch(self) -> None:
        try:
            self._board, self._problem = await self.console.client.dashboard(), ""
        except ConsoleError as error:
            self._problem = error.sentence
        self._reading, self._tried = False, self.store.now()
        self.repaint()

    def why_not(self, action: Action) -> str:
        """Return why nothing can be opened or copied."""
        key = self.table.cursor_key or ""
        if action.name == "open" and not show.place_of(self._board, key):
            return "Nothing is chosen."
        return "No number is chosen." if action.name == "copy" and show.chosen(self._board, key) is None else ""

    def do_open(self) -> None:
        """Go to the screen that has the chosen row whole."""
        if place := show.place_of(self._board, self.table.cursor_key or ""):
            self.console.goto(place)

    def do_read(self) -> None:
        """Read again now."""
        self._fetch()

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen figure."""
        if (one := show.chosen(self._board, self.table.cursor_key or "")) is not None:
            told = ", ".join(text for text in show.numbers(one) if text)
            offer(self.app, (("number", told), ("metric", one.metric)))

    @on(LiveTable.RowSelected, "#table")
    def _open_row(self, event: LiveTable.RowSelected) -> None:
        event.prevent_default()  # a list's own Enter goes to the text below
        self.do_open()
