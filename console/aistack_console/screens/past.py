"""Time machine: one moment of the past as it was recorded, marked as past on the whole screen."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.past import Past
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import past as show
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line

STEP, LEAP = 10.0, 60.0
"""Seconds of a small and of a large step."""
BEGIN = 60.0
"""Seconds before now at which it opens."""
GO = "moment (HH:MM, HH:MM:SS or -5m)"


class PastScreen(ListingScreen):
    """Services and containers of a moment, the machine, and what had happened."""

    NAME = "past"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="past.earlier", keys="left,h,comma", title="A step back (10 s)", hint="back"),
        Action(id="past.later", keys="right,l,full_stop", title="A step on (10 s)", hint="on"),
        Action(id="past.leap_back", keys="shift+left,left_square_bracket", title="A minute back", hint="1m back"),
        Action(id="past.leap_on", keys="shift+right,right_square_bracket", title="A minute on"),
        Action(id="past.event_back", keys="less_than_sign", title="Back to the last change", hint="change"),
        Action(id="past.event_on", keys="greater_than_sign", title="On to the next change"),
        Action(id="past.go", keys="slash", title="Go to a moment", hint="go to"),
        Action(id="past.now", keys="escape", title="Back to now", hint="now"),
    )
    CSS_PATH = "past.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._past: Past | None = None
        self._at: float | None = None
        self._asked: float | None = None
        self._problem = ""

    @property
    def at(self) -> float:
        """The moment that is looked at; a minute ago when it opens."""
        if self._at is None:
            self._at = self.store.now() - BEGIN
        return self._at

    def paint(self) -> None:
        """Show the moment; fetch it when it is another one than is shown."""
        now = self.store.now()
        if self._asked != self.at and self.store.down is None:
            self._asked = self.at
            self._fetch(self.at)
        found = self._past if self._past is not None and self._past.at == self.at else None
        self.query_one("#head", Line).show(show.head(found, self.at, now))
        table = self.table
        table.set_rows(show.rows(found))
        share(self, table, len(table.rows) + 1, 1 / 2)
        self.paint_side()

    def standing(self) -> str:
        """Say on the whole screen that it is the past."""
        return show.banner(self.at, self.store.now())

    def paint_side(self) -> None:
        """Show the machine of that moment and what had happened."""
        detail = self.query_one(Detail)
        if self._problem:
            detail.show((para((self._problem, "bad")),))
        elif self.store.down is not None:
            detail.show(empty.away(self.store.why_down))
        elif self._past is not None and self._past.at == self.at:
            detail.show(show.side(self._past, self.table.cursor_key or ""))
        else:
            detail.show((para(("Reading ...", "dim")),))

    def receive(self, argument: str) -> None:
        """Go to the moment that was named."""
        self._go(argument)

    @work(exclusive=True, group="past")
    async def _fetch(self, at: float) -> None:
        try:
            self._past, self._problem = await self.console.client.past(at), ""
        except ConsoleError as error:
            self._problem = error.sentence
        self.repaint()

    def why_not(self, action: Action) -> str:
        """Return why one cannot step on."""
        past = self._past
        if action.name in ("later", "leap_on") and self.at >= self.store.now():
            return "This is now."
        if action.name == "event_back" and past is not None and past.before is None:
            return "Nothing earlier is recorded."
        return "Nothing later is recorded." if action.name == "event_on" and past and past.after is None else ""

    def _move(self, at: float) -> None:
        oldest = self._past.oldest if self._past else None
        self._at = min(self.store.now(), at if oldest is None else max(oldest, at))
        self.repaint()

    def do_earlier(self) -> None:
        """Step back."""
        self._move(self.at - STEP)

    def do_later(self) -> None:
        """Step on."""
        self._move(self.at + STEP)

    def do_leap_back(self) -> None:
        """Step a minute back."""
        self._move(self.at - LEAP)

    def do_leap_on(self) -> None:
        """Step a minute on."""
        self._move(self.at + LEAP)

    def do_event_back(self) -> None:
        """Go to the last change before."""
        if self._past is not None and self._past.before is not None:
            self._move(self._past.before)

    def do_event_on(self) -> None:
        """Go to the next change."""
        if self._past is not None and self._past.after is not None:
            self._move(self._past.after)

    def do_go(self) -> None:
        """Let the operator type a moment."""
        self.open_entry(GO)

    def entered(self, kind: str, text: str) -> None:
        """Go to what was typed."""
        if kind == GO and text.strip():
            self._go(text)

    def _go(self, text: str) -> None:
        at = show.moment(text, self.store.now())
        if at is None:
            self.console.say("Write a moment as 14:05, 14:05:30 or -5m (s, m, h, d ago).", "warn")
        else:
            self._move(at)

    def do_now(self) -> None:
        """Back to now: to the screen that was shown before."""
        self._at = None
        self.console.back()
