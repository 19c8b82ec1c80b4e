"""What every screen has: header, tabs, banner, footer, the one place where an action is run, and repainting.

A screen paints at once when something it shows changed, but not more often than every ``PAUSE`` seconds; a
screen that is not shown does not paint at all.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, cast

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from aistack_backend.wire.events import Topic
from aistack_console.client.act import acting
from aistack_console.client.api import Client
from aistack_console.client.stream import Meter
from aistack_console.keys import GLOBAL, PLACES, Action, Registry, bindings
from aistack_console.options import Options
from aistack_console.present import header
from aistack_console.present.alerts import loud
from aistack_console.state.store import Store
from aistack_console.visible import VisibleOnly
from aistack_console.widgets.hint_line import EntryLine, HintLine
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.status_bar import Banner, StatusBar
from aistack_console.widgets.tabs import Tabs

PAUSE = 0.025
"""Least seconds between two paints of one screen."""


FRAME = frozenset({Topic.RESET, Topic.STATUS, Topic.FLEET, Topic.APPROVALS, Topic.STACK, Topic.ALERTS})
"""Topics that the header is made of."""


class Console(Protocol):
    """What a screen may ask of the app."""

    store: Store
    client: Client
    meter: Meter
    registry: Registry
    view_only: bool
    options: Options

    def do(self, action: Action, argument: str = "") -> None:
        """Do one of the app's own actions."""
        ...

    def goto(self, name: str, argument: str = "") -> None:
        """Show the screen of that name; it gets the argument through ``receive``."""
        ...

    def back(self) -> None:
        """Show the screen that was shown before."""
        ...

    def command(self, text: str) -> None:
        """Do what a ``:`` line says."""
        ...

    def say(self, sentence: str, tone: str = "plain") -> None:
        """Show a short notice."""
        ...


class BaseScreen(Screen[None]):
    """A screen of the console; subclasses fill ``compose_body`` and ``paint`` and write ``do_NAME`` methods."""

    NAME: ClassVar[str] = ""
    ACTIONS: ClassVar[tuple[Action, ...]] = ()
    TOPICS: ClassVar[frozenset[Topic]] = frozenset()
    """Topics whose change repaints the body."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (140, "-wide")]  # noqa: RUF012 (Textual's own name)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "LiveTable"

    def __init_subclass__(cls, **options: Any) -> None:
        """Bind the keys of the actions that the subclass declares."""
        cls.BINDINGS = bindings(cls.ACTIONS)
        super().__init_subclass__(**options)

    def __init__(self) -> None:
        super().__init__()
        self._compositor = VisibleOnly()
        self._leave: Callable[[], object] | None = None
        self._painted = 0.0
        self._due = False
        self._focus_back: Widget | None = None

    @property
    def console(self) -> Console:
        """The app."""
        return cast(Console, self.app)

    @property
    def store(self) -> Store:
        """What is known."""
        return self.console.store

    def compose_body(self) -> ComposeResult:
        """Yield what stands between tabs and footer."""
        yield from ()

    def paint(self) -> None:
        """Show what the store holds now."""

    def receive(self, argument: str) -> None:
        """Take the argument of the command or key that brought the operator here."""

    def why_not(self, action: Action) -> str:
        """Return why this action cannot be done now; empty = it can."""
        return ""

    def standing(self) -> str:
        """Return a sentence of the screen's own that must stay on it; empty = none."""
        return ""

    def hints(self) -> tuple[Action, ...]:
        """Return the actions whose keys stand in the footer."""
        return tuple(one for one in self.console.registry.of(self.NAME) if one.hint)

    def filter_text(self) -> str:
        """Return the filter now in use, so that ``/`` can edit it."""
        return ""

    def set_filter(self, text: str) -> None:
        """Use another filter; empty = none."""

    def entered(self, kind: str, text: str) -> None:
        """Take a line of a kind of the screen's own (see ``open_entry``)."""

    def compose(self) -> ComposeResult:
        """Lay out the lines around the body."""
        yield StatusBar(id="header")
        yield Tabs(id="tabs")
        yield Banner(id="banner")
        yield from self.compose_body()
        yield HintLine(id="hints")
        yield EntryLine(id="entry")

    def on_mount(self) -> None:
        """Begin to listen, and look at the clock once a second."""
        self._leave = self.store.listen(self._changed)
        self.set_interval(1.0, self._tick)
        self._paint_now()

    def on_unmount(self) -> None:
        """Stop listening."""
        if self._leave is not None:
            self._leave()

    def on_screen_resume(self) -> None:
        """Paint what changed while another screen was shown."""
        self._paint_now()

    def _changed(self, topic: Topic) -> None:
        if not self.is_current or self._due or topic not in FRAME | self.TOPICS:
            return
        self._due = True
        wait = self._painted + PAUSE - time.monotonic()
        if wait > 0:
            self.set_timer(wait, self._paint_now)
        else:
            self.call_next(self._paint_now)  # not here: what came with this change is shown by the same paint

    def _tick(self) -> None:
        if self.is_current:
            self._paint_now()

    def repaint(self) -> None:
        """Paint now; for screens whose own choices (sorting, filter) changed."""
        self._paint_now()

    def _paint_now(self) -> None:
        self._due = False
        self._painted = time.monotonic()
        if self.is_mounted and self.app.is_running:  # an app that is ending takes its screens apart first
            with self.app.batch_update():
                self._paint_frame()
                self.paint()
                self.paint_hints()  # last: what can be done follows from what the body holds now

    def _paint_frame(self) -> None:
        store, app, now = self.store, self.console, self.store.now()
        meter = app.meter
        link = header.Link(down=store.down, why=store.why_down, rtt=meter.rtt, rate=meter.shown_rate())
        self.query_one(StatusBar).show(
            header.header(
                status=store.status,
                fleet=store.fleet,
                stack=store.stack,
                pending=store.pending,
                alarms=loud(store.alerts),
                link=link,
                view_only=app.view_only,
                now=now,
            )
        )
        shown = [one for one in PLACES if one.key or one.name == self.NAME]
        names = [(one.name, app.registry.keys_of(f"app.{one.name}"), one.short) for one in shown]
        self.query_one(Tabs).set_tabs(header.tabs(names, store.pending, self.app.size.width), self.NAME)
        self.query_one(Banner).say(header.banner(store.status, link, now) or self.standing())

    @on(LiveTable.RowHighlighted)
    def _another_row(self) -> None:
        self.paint_hints()

    def paint_hints(self) -> None:
        """Show the keys that matter now; done after each paint and when another row is chosen."""
        always = [one for one in self.console.registry.of(GLOBAL) if one.hint]
        self.query_one(HintLine).set_hints(
            [(one.shown_key, one.hint, not self.reason(one)) for one in self.hints()],
            [(one.shown_key, one.hint, True) for one in always],
        )

    def reason(self, action: Action) -> str:
        """Return why an action is off now; empty = it is on."""
        if action.mutates:
            if self.console.view_only:
                return "This console was started with --view-only."
            if self.store.down is not None:
                return "The backend does not answer, so nothing can be changed."
            if self.store.status is not None and header.mismatch(self.store.status):
                return "Console and backend are of different major versions."
        return self.why_not(action) if action.scope == self.NAME else ""

    async def action_run(self, action_id: str, argument: str = "") -> None:
        """Do the action of that id, or say why it cannot be done."""
        action = self.console.registry.get(action_id)
        if action is None:
            return
        if why := self.reason(action):
            self.console.say(f"{action.title}: {why}", "warn")
            return
        with acting(action.id):
            if action.scope != self.NAME:
                self.console.do(action, argument)
                return
            result = getattr(self, f"do_{action.name}")()
            if inspect.isawaitable(result):
                await result

    def open_entry(self, kind: str, text: str = "", words: tuple[str, ...] = ()) -> None:
        """Let the operator type a ``command``, a ``filter`` or what the screen wants on the last line."""
        if self.focused is not self.query_one(EntryLine):
            self._focus_back = self.focused
        self.query_one(HintLine).display = False
        self.query_one(EntryLine).open(kind, text, words)

    def _close_entry(self) -> None:
        self.query_one(HintLine).display = True
        self.set_focus(self._focus_back)

    @on(EntryLine.Entered)
    def _entered(self, event: EntryLine.Entered) -> None:
        self._close_entry()
        if event.kind == "command":
            self.console.command(event.text)
        elif event.kind == "filter":
            self.set_filter(event.text)
        else:
            with acting(f"{self.NAME}.{event.kind}"):
                self.entered(event.kind, event.text)

    @on(EntryLine.Typed)
    def _typed(self, event: EntryLine.Typed) -> None:
        if event.kind == "filter":
            self.set_filter(event.text)

    @on(EntryLine.Left)
    def _left(self, event: EntryLine.Left) -> None:
        self._close_entry()
        if event.kind == "filter":
            self.set_filter("")

    @on(Tabs.Chosen)
    def _tab(self, event: Tabs.Chosen) -> None:
        self.console.goto(event.name)


def screens_actions(screens: Mapping[str, type[BaseScreen]]) -> tuple[Action, ...]:
    """Return the actions that the screens declare, in the order of the screens."""
    return tuple(action for screen in screens.values() for action in screen.ACTIONS)
