"""Tasks: what was asked of the stack, and how it ended."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present.tasks import COLUMNS, ENDED, copies, detail, head, rows
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.confirm import Confirm
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class TasksScreen(BaseScreen):
    """The tasks, newest first, and the chosen one's result."""

    NAME = "tasks"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="tasks.stop", keys="x", title="Stop the task", hint="stop", mutates=True),
        Action(id="tasks.approval", keys="a", title="Go to its approval", hint="approval"),
        Action(id="tasks.copy", keys="y", title="Copy its goal or result", hint="copy"),
    )
    TOPICS = frozenset({Topic.TASKS})
    CSS_PATH = "tasks.tcss"

    def compose_body(self) -> ComposeResult:
        """Yield list and result."""
        yield Line(id="head")
        with Horizontal(id="panes"):
            yield LiveTable(COLUMNS, id="table")
            yield Detail(id="detail")

    @property
    def chosen(self) -> Task | None:
        """The task under the cursor."""
        key = self.query_one("#table", LiveTable).cursor_key
        found = self.store.tasks
        return next((one for one in found.tasks if str(one.id) == key), None) if found else None

    def paint(self) -> None:
        """Show list and result."""
        found = self.store.tasks
        self.query_one("#head", Line).show((("TASKS  ", "accent"), head(found)))
        shown = rows(found, self.store.now())
        table = self.query_one("#table", LiveTable)
        table.set_rows(shown)
        share(self, table, len(shown) + 1, 1 / 2)
        self._paint_side()

    def _paint_side(self) -> None:
        one = self.chosen
        nothing = empty.away(self.store.why_down) if self.store.tasks is None else empty.tasks()
        self.query_one(Detail).show(detail(one, self.store.now()) if one else nothing)

    def receive(self, argument: str) -> None:
        """Put the cursor on a task by its number."""
        number = argument.rpartition(" ")[2]
        if not self.query_one("#table", LiveTable).move_to(number):
            self.console.say(f"There is no task {number} in the list.", "warn")

    def why_not(self, action: Action) -> str:
        """Return why the chosen task cannot be stopped, or has no approval."""
        one = self.chosen
        if one is None:
            return "No task is chosen."
        if action.name == "stop" and one.state in ENDED:
            return f"It is {one.state.value} already."
        if action.name == "approval" and one.approval_id is None:
            return "It has no approval."
        return ""

    @work(exclusive=True, group="stop")
    async def do_stop(self) -> None:
        """Stop the chosen task after one confirming key."""
        one = self.chosen
        if one is None or not await self.app.push_screen_wait(Confirm(f"Stop task {one.id}: {one.goal}?")):
            return
        try:
            stopped = await self.console.client.stop_task(one.id)
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.console.say(f"Task {stopped.id}: {stopped.state.value}. {stopped.reason}")

    def do_approval(self) -> None:
        """Go to the approval of the chosen task."""
        if (one := self.chosen) is not None and one.approval_id is not None:
            self.console.goto("approvals", f"show {one.approval_id}")

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen task."""
        if (one := self.chosen) is not None:
            offer(self.app, copies(one))

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()
