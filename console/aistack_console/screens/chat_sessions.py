"""The sessions of the chat: last used first, or those in which words were found."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.chat import Session, SessionList
from aistack_console.errors import ConsoleError
from aistack_console.present import chat as words
from aistack_console.present.para import Para, para
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.note import Note

if TYPE_CHECKING:
    from aistack_console.screens.base import BaseScreen


class SessionsPane(Vertical):
    """A list with a search; what was found in the session under the cursor stands below it."""

    DEFAULT_CSS = """
    SessionsPane > LiveTable { height: 1fr; }
    SessionsPane > #found { max-height: 5; padding: 0 1; border-top: solid $border; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.all: SessionList | None = None
        """Every session; None = not read yet."""
        self.words = ""
        """What is searched for; empty = everything is listed."""
        self._shown: SessionList | None = None

    def compose(self) -> ComposeResult:
        """Lay out head, list and what was found."""
        yield Line(id="sessions-title", classes="pane-title")
        yield LiveTable(words.SESSION_COLUMNS, id="sessions")
        yield Note(id="found")

    @property
    def table(self) -> LiveTable:
        """The list."""
        return self.query_one("#sessions", LiveTable)

    @property
    def shown(self) -> tuple[Session, ...]:
        """The listed sessions, in their order."""
        return self._shown.sessions if self._shown else ()

    @property
    def under_cursor(self) -> Session | None:
        """The session under the cursor."""
        key = self.table.cursor_key
        return next((one for one in self.shown if str(one.id) == key), None)

    def get(self, session_id: int) -> Session | None:
        """Return a session by its number."""
        return next((one for one in (self.all.sessions if self.all else ()) if one.id == session_id), None)

    async def read(self) -> None:
        """Ask for the sessions anew, and for those that the search finds."""
        client = cast("BaseScreen", self.screen).console.client
        try:
            self.all = await client.chats()
            self._shown = await client.chats(self.words) if self.words else self.all
        except ConsoleError as error:
            cast("BaseScreen", self.screen).console.say(error.sentence, "warn")
        self.paint()

    async def search(self, text: str) -> None:
        """List the sessions in which these words are found; empty = all."""
        self.words = text.strip()
        await self.read()

    def paint(self) -> None:
        """Show the list as it is now."""
        now = cast("BaseScreen", self.screen).store.now()
        self.query_one("#sessions-title", Line).show(words.sessions_head(self.words, self._shown))
        self.table.set_rows(words.session_rows(self._shown, now))
        self._show_found()

    @on(LiveTable.RowHighlighted, "#sessions")
    def _show_found(self) -> None:
        one = self.under_cursor
        found: tuple[Para, ...] = (para(one.found),) if one is not None and one.found and self.words else ()
        note = self.query_one("#found", Note)
        note.show(found)
        note.display = bool(found)
