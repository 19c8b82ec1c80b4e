"""Traces: what was done for each request and task, as a waterfall of measured times."""

from __future__ import annotations

from typing import ClassVar

from textual import work

from aistack_backend.wire.events import Topic
from aistack_backend.wire.traces import Trace, TraceList
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present import trace_rows as show
from aistack_console.present import traces as words
from aistack_console.present.para import para
from aistack_console.screens.listing import ListingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line

AGAIN = 2.0
"""Seconds after which a trace with something that goes on is read again."""


class TracesScreen(ListingScreen):
    """The newest traces, and the chosen one."""

    NAME = "traces"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="traces.read", keys="r", title="Read again", hint="read"),
        Action(id="traces.task", keys="t", title="Go to its task", hint="task"),
        Action(id="traces.copy", keys="y", title="Copy the trace's id", hint="copy"),
        Action(id="traces.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.TASKS})
    CSS_PATH = "traces.tcss"
    COLUMNS = show.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._found: TraceList | None = None
        self._trace: Trace | None = None
        self._problem = ""
        self._asked = False
        self._read_at = 0.0
        self._wanted = ""
        self._gone = ""

    def paint(self) -> None:
        """Show what was read; read when nobody has yet, or a trace goes on."""
        now = self.store.now()
        if not self._asked and self.store.down is None:
            self.do_read()
        elif self._goes_on and now - self._read_at >= AGAIN and self.store.down is None:
            self._fetch_one(self._key)
        self.query_one("#head", Line).show(show.head(self._found, now))
        table = self.table
        table.set_rows(show.rows(self._found, now))
        share(self, table, len(table.rows) + 1, 1 / 2)
        if self.app.size.height >= 30:
            table.styles.height = min(len(table.rows) + 1, 12)
        self.paint_side()

    @property
    def _key(self) -> str:
        return self.table.cursor_key or ""

    @property
    def _goes_on(self) -> bool:
        return self._trace is not None and any(one.seconds is None for one in self._trace.spans)

    def paint_side(self) -> None:
        """Show the chosen trace; fetch it when another one was chosen."""
        detail, now = self.query_one(Detail), self.store.now()
        if self._trace is not None and self._trace.id == self._key:
            detail.show(show.waterfall(self._trace, now, self.app.size.width))
        elif self._key and self.store.down is None and self._key != self._gone:
            self._fetch_one(self._key)
        elif self.store.down is not None:
            detail.show(empty.away(self.store.why_down))
        elif self._found is not None:
            detail.show((para((words.nothing(self._found), "dim")),))
        if self._problem:
            detail.show((para((self._problem, "bad")),))

    def receive(self, argument: str) -> None:
        """Show the trace of a task, or one by its id."""
        self._wanted = argument
        self.do_read()

    def do_read(self) -> None:
        """Read the list again, and the trace that is wanted."""
        self._asked, self._gone = True, ""
        self._fetch(self._wanted)

    @work(exclusive=True, group="traces")
    async def _fetch(self, wanted: str) -> None:
        client = self.console.client
        try:
            self._found, self._problem = await client.traces(), ""
            self.repaint()
            if wanted:
                self._trace, self._wanted = await client.trace(wanted), ""
                self.table.move_to(self._trace.id)
            elif self._key:
                self._trace = await client.trace(self._key)
            self._read_at = self.store.now()
        except ClientError as error:
            self._wanted = ""
            self.console.say(error.sentence, "warn")
        except ConsoleError as error:
            self._problem = error.sentence
        self.repaint()

    @work(exclusive=True, group="trace")
    async def _fetch_one(self, wanted: str) -> None:
        self._read_at = self.store.now()
        try:
            self._trace = await self.console.client.trace(wanted)
        except ConsoleError as error:
            self._gone = wanted
            self.console.say(error.sentence, "warn")
            return
        if self._trace.id == self._key:
            self.repaint()

    def why_not(self, action: Action) -> str:
        """Return why nothing can be done with the chosen one."""
        if action.name in ("task", "copy") and not self._key:
            return "No trace is chosen."
        return "It belongs to no task." if action.name == "task" and self._number is None else ""

    @property
    def _number(self) -> int | None:
        rows = self._found.traces if self._found else ()
        return next((one.task_id for one in rows if one.id == self._key), None)

    def do_task(self) -> None:
        """Go to the task of the chosen trace."""
        if (number := self._number) is not None:
            self.console.goto("tasks", f"show {number}")

    def do_copy(self) -> None:
        """Offer the trace's id and the line that prints it."""
        offer(self.app, (("id", self._key), ("line", f"aistack-console traces {self._key}")))
