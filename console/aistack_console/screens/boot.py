"""Boot director: services coming up or going down, live, each against what it took before."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from aistack_backend.wire.boot import BootState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Service
from aistack_console.keys import Action
from aistack_console.present import boot as show
from aistack_console.present import empty
from aistack_console.screens.sharing import share
from aistack_console.screens.stacking import StackScreen
from aistack_console.widgets.confirm import Confirm
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class BootScreen(StackScreen):
    """A row a service; the chosen one's way and every failure's last log lines below."""

    NAME = "boot"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="boot.up_set", keys="U", title="Bring a set of services up", hint="up set", mutates=True),
        Action(id="boot.down", keys="D", title="Take services down", mutates=True),
        Action(id="boot.stop", keys="x", title="Cancel it: nothing more is begun", hint="cancel", mutates=True),
        Action(id="boot.logs", keys="l", title="Follow the service's log", hint="logs"),
        Action(id="boot.why", keys="W", title="Say why the service is in its state", hint="why"),
        Action(id="boot.back", keys="escape", title="Back to the last screen", hint="back"),
    )
    TOPICS = frozenset({Topic.BOOT, Topic.STACK})
    CSS_PATH = "boot.tcss"

    def compose_body(self) -> ComposeResult:
        """Yield head, rows and detail."""
        yield Line(id="head")
        yield Line(id="slowest")
        with Vertical(id="panes"):
            yield LiveTable(show.COLUMNS, id="table")
            yield Detail(id="detail")

    @property
    def service(self) -> Service | None:
        """The service of the row under the cursor."""
        key, stack = self.query_one("#table", LiveTable).cursor_key, self.store.stack
        return next((one for one in stack.services if one.id == key), None) if stack else None

    def paint(self) -> None:
        """Show the newest boot."""
        boot, now = self.store.boot, self.store.now()
        self.query_one("#head", Line).show(show.head(boot, now, self.store.down is None))
        slowest = self.query_one("#slowest", Line)
        slowest.display = bool(boot and boot.slowest)
        slowest.show(show.slowest(boot))
        table = self.query_one("#table", LiveTable)
        table.set_rows(show.rows(boot, now) if boot else ())
        share(self, table, len(table.rows) + 1, 2 / 3)
        if self.app.size.width >= show.WIDE:
            table.styles.height = len(table.rows) + 1
        self._paint_side()

    def _paint_side(self) -> None:
        boot, detail = self.store.boot, self.query_one(Detail)
        if boot is None:
            detail.show(empty.away(self.store.why_down) if self.store.down is not None else empty.boot())
            return
        detail.show(show.detail(boot, self.query_one("#table", LiveTable).cursor_key, self.store.now()))

    def why_not(self, action: Action) -> str:
        """Return why there is nothing to cancel, or no service to tell about."""
        boot = self.store.boot
        if action.name == "stop":
            return (
                "" if boot is not None and boot.state is BootState.RUNNING else "Nothing is being brought up or down."
            )
        if action.name in {"logs", "why"} and self.service is None:
            return "No service is chosen."
        return self.why_not_stack(action)

    @work(group="stop")
    async def do_stop(self) -> None:
        """Cancel the boot: what runs stays as it is."""
        boot = self.store.boot
        if boot is None:
            return
        question = f"Cancel {boot.verb} {boot.goal or 'everything'}? What runs already stays."
        if await self.app.push_screen_wait(Confirm(question)):
            await self._stop_task(boot.id)

    def do_logs(self) -> None:
        """Follow the log of the chosen service."""
        if self.service is not None:
            self.console.goto("logs", self.service.container_id or self.service.container)

    def do_why(self) -> None:
        """Show why the chosen service is in its state."""
        if self.service is not None:
            self.show_why(self.service)

    def do_back(self) -> None:
        """Go back to the last screen."""
        self.console.back()

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self, event: LiveTable.RowSelected) -> None:
        self.console.goto("services", event.key)
