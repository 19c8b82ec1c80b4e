"""Doctor: what is right and wrong with this machine, each with the fix to copy."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.status import DoctorReport, Finding
from aistack_console.clipboard import copy
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import doctor as show
from aistack_console.present import empty
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line


class DoctorScreen(ListingScreen):
    """Findings, worst first, and the chosen one in full."""

    NAME = "doctor"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="doctor.look", keys="r", title="Look again", hint="look again"),
        Action(id="doctor.copy", keys="y", title="Copy the fix", hint="copy fix"),
        Action(id="doctor.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    CSS_PATH = "doctor.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._report: DoctorReport | None = None
        self._at: float | None = None
        self._problem = ""
        self._asked = self._reading = False

    @property
    def chosen(self) -> Finding | None:
        """The finding under the cursor."""
        key = self.table.cursor_key
        return self._report.findings[int(key)] if self._report and key is not None else None

    def paint(self) -> None:
        """Show what was found; look when nobody has yet."""
        if not self._asked and self.store.down is None:
            self.do_look()
        self.query_one("#head", Line).show(show.head(self._report, self._at, self._reading, self.store.now()))
        table = self.table
        table.set_rows(show.rows(self._report) if self._report else ())
        share(self, table, len(table.rows) + 1, 2 / 3)
        if self.app.size.height >= 30:
            table.styles.height = len(table.rows) + 1
        self.paint_side()

    def paint_side(self) -> None:
        """Show the chosen one."""
        detail = self.query_one(Detail)
        if self.chosen is not None:
            detail.show(show.detail(self.chosen))
        elif self._problem:
            detail.show((para((self._problem, "bad")), para("aistack-console doctor looks without a backend.")))
        else:
            detail.show(empty.away(self.store.why_down if self.store.down is not None else "Looking ..."))

    def do_look(self) -> None:
        """Look again."""
        self._asked = self._reading = True
        self._look()

    @work(exclusive=True, group="doctor")
    async def _look(self) -> None:
        try:
            self._report = await self.console.client.doctor()
            self._at, self._problem = self.store.now(), ""
        except ConsoleError as error:
            self._problem = error.sentence
        self._reading = False
        self.repaint()

    def do_copy(self) -> None:
        """Copy the fix of the chosen finding."""
        one = self.chosen
        if one is not None and one.fix:
            copy(self.app, one.fix)
        else:
            self.console.say("There is no fix to copy.")
