"""Overview: what needs the operator first, then how everything is."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.events import Topic
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import overview as show
from aistack_console.present.doing import Doing
from aistack_console.present.tasks import head as tasks_head
from aistack_console.screens.sharing import WIDE
from aistack_console.screens.stacking import StackScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

FRAME = 5
"""Lines that are no pane's: header, tabs, two headings, hints."""
EVENTS = 3
"""Lines that the events keep while nothing needs the operator."""
EVERY = 5.0
"""Seconds after which loops and routes are read again while it is shown."""


class OverviewScreen(StackScreen):
    """Needs, summary and events in one column; where there is room, services, needs and machine beside each other."""

    NAME = "overview"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="overview.open", keys="", title="Open what is under the cursor"),
        Action(id="overview.boot", keys="B", title="Watch what is being brought up or down", hint="boot"),
        Action(id="overview.up_set", keys="U", title="Bring a set of services up", hint="up set", mutates=True),
    )
    TOPICS = frozenset(
        {Topic.STATUS, Topic.FLEET, Topic.APPROVALS, Topic.TASKS, Topic.HOST, Topic.MODEL, Topic.ACTIVITY, Topic.AUDIT}
        | {Topic.STACK, Topic.BOOT}
    )
    CSS_PATH = "overview.tcss"
    AUTO_FOCUS = "#needs"

    def __init__(self) -> None:
        super().__init__()
        self._doing, self._tried, self._reading = Doing(), 0.0, False

    def compose_body(self) -> ComposeResult:
        """Yield needs, summary, events and the services list."""
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Line(id="services-head", classes="pane-title")
                yield LiveTable(show.SERVICES, id="services")
            with Vertical(id="middle"):
                yield Line(id="needs-head", classes="pane-title")
                yield LiveTable(show.NEEDS, id="needs")
                yield Line(id="tasks-head", classes="pane-title")
                yield LiveTable(show.TASKS, id="tasks")
            with Vertical(id="right"):
                yield Line(id="host-head", classes="pane-title")
                yield Detail(id="summary")
        yield Line(id="feed-head", classes="pane-title")
        yield Detail(id="feed")

    @work(exclusive=True, group="doing")
    async def _read(self) -> None:
        """Read the loops and how questions go: no event tells of them."""
        client = self.console.client
        try:
            loops, routing, stats = await client.loops(), await client.routing(), await client.route_stats()
            self._doing = Doing(loops=loops, routing=routing, stats=stats, at=self.store.now())
        except ConsoleError as error:
            self._doing = replace(self._doing, problem=error.sentence)
        self._reading, self._tried = False, self.store.now()
        self.repaint()

    def paint(self) -> None:
        """Show what is known; read what no event tells when nobody has lately."""
        store, now = self.store, self.store.now()
        if store.down is None and not self._reading and now - self._tried > EVERY:
            self._reading = True
            self._read()
        needs = show.needs(store.approvals, store.tasks, store.fleet, store.stack, down=store.down, now=now)
        known = store.approvals is not None and store.fleet is not None
        self.query_one("#needs-head", Line).show(show.needs_head(len(needs), known))
        table = self.query_one("#needs", LiveTable)
        table.set_rows(needs)
        wide = self.app.size.width >= WIDE  # the class comes only after the first paint
        tall = min(len(needs) + 1, max(3, self.size.height // 3)) if needs else 0
        table.styles.height = tall
        summary = self.query_one("#summary", Detail)
        summary.show(
            show.summary(
                status=store.status,
                fleet=store.fleet,
                host=store.host,
                model=store.model,
                tasks=store.tasks,
                stack=store.stack,
                boot=store.boot,
                doing=self._doing,
                down=store.down,
                now=now,
                alone=wide,
            )
        )
        most = max(4, self.size.height // 2, self.size.height - FRAME - tall - EVENTS)
        summary.styles.height = "1fr" if wide else min(len(summary.lines), most)
        self.query_one("#feed-head", Line).show((("-- EVENTS --", "accent"), (" newest first", "dim")))
        self.query_one("#feed", Detail).show(show.feed(tuple(store.feed), store.audit, now))
        if wide:
            self._paint_wide()

    def _paint_wide(self) -> None:
        """Show the columns that a narrow screen has no room for."""
        store, now = self.store, self.store.now()
        self.query_one("#services-head", Line).show(
            show.services_head(store.fleet, store.stack, down=store.down, now=now)
        )
        self.query_one("#services", LiveTable).set_rows(
            show.services(store.fleet, store.stack, down=store.down, now=now)
        )
        self.query_one("#tasks-head", Line).show(
            (("-- TASKS ", "accent"), f"{tasks_head(store.tasks)} ", ("--", "accent"))
        )
        self.query_one("#tasks", LiveTable).set_rows(show.tasks(store.tasks, now))
        self.query_one("#host-head", Line).show((("-- MACHINE AND MODEL --", "accent"),))

    def do_open(self) -> None:
        """Open what is under the cursor."""
        self.query_one("#needs", LiveTable).action_select()

    def why_not(self, action: Action) -> str:
        """Return why no set can be brought up."""
        return self.why_not_stack(action)

    def do_boot(self) -> None:
        """Show the boot director."""
        self.console.goto("boot")

    @on(LiveTable.RowSelected, "#needs")
    def _open_need(self, event: LiveTable.RowSelected) -> None:
        self.console.goto(*show.place_of(event.key))

    @on(LiveTable.RowSelected, "#tasks")
    def _open_task(self, event: LiveTable.RowSelected) -> None:
        self.console.goto("tasks", f"task {event.key}")

    @on(LiveTable.RowSelected, "#services")
    def _open_service(self, event: LiveTable.RowSelected) -> None:
        self.console.goto("services", event.key)
