"""Services: every container, its state in a word, and all that is known about the chosen one."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.containers import Container, ContainerDetail, ContainerState, LogLine
from aistack_backend.wire.events import Topic
from aistack_console.errors import ConsoleError
from aistack_console.keys import Action
from aistack_console.present import container as show
from aistack_console.present import empty
from aistack_console.present.para import Para
from aistack_console.present.services import COLUMNS, SORTS, View, listed, own_action
from aistack_console.present.words import Word, fleet_word
from aistack_console.screens.acting import ActingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.spark import spark

TAIL = 200
"""Log lines that the Logs tab keeps; the Logs screen keeps more."""


class ServicesScreen(ActingScreen):
    """The list on the left (or alone, when narrow), the chosen container's tabs beside or below."""

    NAME = "services"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="services.logs", keys="l", title="Follow its logs, or those of all that are marked", hint="logs"),
        Action(id="services.restart", keys="r", title="Restart it", hint="restart", mutates=True),
        Action(id="services.stop", keys="s", title="Stop it", hint="stop", mutates=True),
        Action(id="services.start", keys="S", title="Start it", hint="start", mutates=True),
        Action(id="services.pause", keys="p", title="Pause it, or let a paused one go on", hint="pause", mutates=True),
        Action(id="services.kill", keys="K", title="Kill it", mutates=True),
        Action(id="services.remove", keys="X", title="Remove it", hint="remove", mutates=True),
        Action(id="services.filter", keys="slash", title="Filter the list", hint="filter"),
        Action(id="services.sort", keys="o", title="Sort by the next column", hint="sort"),
        Action(id="services.reverse", keys="O", title="Reverse the order"),
        Action(id="services.stopped", keys="A", title="Hide stopped ones, or show them", hint="hide"),
        Action(id="services.next_tab", keys="right_square_bracket,shift+right", title="Next detail tab", hint="tab"),
        Action(id="services.last_tab", keys="left_square_bracket,shift+left", title="Previous detail tab"),
        Action(id="services.why", keys="W", title="Say why it is in this state", hint="why"),
        Action(id="services.copy", keys="y", title="Copy its name, id, image or command", hint="copy"),
        Action(id="services.clear", keys="escape", title="Clear filter and marks"),
    )
    TOPICS = frozenset({Topic.FLEET, Topic.USAGE, Topic.ACTIVITY, Topic.TASKS})
    CSS_PATH = "services.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.tab = "Health"
        self._detail: ContainerDetail | None = None
        self._lines: deque[LogLine] = deque(maxlen=TAIL)
        self._problem = ""
        self._reading = ("", "", "")

    def compose_body(self) -> ComposeResult:
        """Yield list and detail."""
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield Line(id="head")
                yield Line(id="problem")
                yield LiveTable(COLUMNS, markable=True, id="table")
            with Vertical(id="side"):
                yield Line(id="tabline")
                yield Detail(id="detail")

    @property
    def chosen(self) -> Container | None:
        """The container under the cursor."""
        key = self.query_one("#table", LiveTable).cursor_key
        fleet = self.store.fleet
        return next((one for one in fleet.containers if one.id == key), None) if fleet else None

    def paint(self) -> None:
        """Show list and detail."""
        store = self.store
        own = {target: cell for target, task in self.own_tasks().items() if (cell := own_action(task)) is not None}
        found = listed(
            store.fleet,
            store.usage_table,
            self.view,
            down=store.down,
            why=store.why_down,
            now=store.now(),
            own=own,
        )
        self.query_one("#head", Line).show((("SERVICES  ", "accent"), (found.head, "dim")))
        problem = self.query_one("#problem", Line)
        problem.display = bool(found.problem)
        problem.show(((found.problem, "bad"),))
        self.query_one("#table", LiveTable).set_rows(found.rows)
        share(self, self.query_one("#list"), len(found.rows) + 2 + bool(found.problem), 2 / 3)
        self._paint_side()

    def _paint_side(self) -> None:
        one, detail = self.chosen, self.query_one(Detail)
        store = self.store
        if one is None or store.fleet is None:
            self.query_one("#tabline", Line).show((("WHY IS NOTHING HERE", "accent"),))
            fleet = store.fleet
            detail.show(empty.services(fleet, self.view, store.now()) if fleet else empty.away(store.why_down))
            return
        names = "  ".join(f"[{name}]" if name == self.tab else name for name in show.TABS)
        self.query_one("#tabline", Line).show(((one.name, "accent"), f"  {names}"))
        self._read(one)
        word = fleet_word(one, store.fleet, store.down, store.now())
        at_end = detail.below == 0
        detail.show(self._paras(one, word))
        if self.tab == "Logs" and at_end:
            detail.action_edge(1)

    def _paras(self, one: Container, word: Word) -> tuple[Para, ...]:
        now, store, width = self.store.now(), self.store, self.query_one(Detail).size.width
        full = self._detail if self._detail and self._detail.container.id == one.id else None
        if self.tab in {"Env", "Inspect"} and full is None and self._problem:
            return show.logs((), self._problem)
        return {
            "Health": lambda: show.health(one, word, full, now),
            "Logs": lambda: show.logs(tuple(self._lines), self._problem),
            "Stats": lambda: show.stats(tuple(store.usage.get(one.id, ())), one, spark, width),
            "Env": lambda: show.env(full),
            "Inspect": lambda: show.inspect(full),
            "Events": lambda: show.events(tuple(store.feed), one, now),
        }[self.tab]()

    def _read(self, one: Container) -> None:
        """Ask for what the list does not hold, once for each container, state and tab."""
        wanted = (one.id, f"{one.state}{one.health}{one.started_at}", "Logs" if self.tab == "Logs" else "")
        if wanted != self._reading and self.store.down is None:
            if wanted[0] != self._reading[0]:
                self._detail, self._problem = None, ""
            self._reading = wanted
            self._fetch(one.id, self.tab == "Logs")

    @work(exclusive=True, group="detail")
    async def _fetch(self, container_id: str, with_logs: bool) -> None:
        client = self.console.client
        try:
            self._lines.clear()
            self._detail = await client.container(container_id)
            self._problem = ""
            self._paint_side()
            if with_logs:
                async for batch in client.logs(container_id, tail=TAIL, follow=True):
                    self._lines.extend(batch.lines)
                    self._changed(Topic.USAGE)  # paints at once, but not for every batch of a loud container
        except ConsoleError as error:
            self._problem = error.sentence
        self._paint_side()

    def receive(self, argument: str) -> None:
        """Put the cursor on a container by name or id; a text that names none becomes the filter."""
        fleet = self.store.fleet
        for one in fleet.containers if fleet else ():
            if argument in (one.name, one.id) or one.id.startswith(argument):
                self.query_one("#table", LiveTable).move_to(one.id)
                return
        self.set_filter(argument.removeprefix("/"))

    def why_not(self, action: Action) -> str:
        """Return why a verb makes no sense for any of the containers it would go to."""
        if not action.mutates and action.name not in {"logs", "why", "copy"}:
            return ""
        reasons = [show.cannot(action.name, one) for one in self._targets()]
        if not reasons:
            return "No container is chosen."
        return reasons[0] if all(reasons) else ""

    def _targets(self) -> tuple[Container, ...]:
        """Return the marked containers; without a mark the one under the cursor."""
        fleet, marked = self.store.fleet, self.query_one("#table", LiveTable).marked
        found = tuple(one for one in fleet.containers if one.id in marked) if fleet else ()
        return found or ((self.chosen,) if self.chosen else ())

    def _verb(self, verb: str) -> None:
        able = [one for one in self._targets() if not show.cannot(verb, one)]
        requests = [ActionRequest(kind=f"container.{verb}", target=one.id) for one in able]
        if len(requests) == 1:
            self.act(requests[0])
        else:
            self.act_on_all(requests)

    def acted(self) -> None:
        """Unmark: the next key is for the container under the cursor again."""
        self.query_one("#table", LiveTable).set_marked(())

    def do_start(self) -> None:
        """Start the chosen container."""
        self._verb("start")

    def do_stop(self) -> None:
        """Stop the chosen container."""
        self._verb("stop")

    def do_restart(self) -> None:
        """Restart the chosen container."""
        self._verb("restart")

    def do_kill(self) -> None:
        """Kill the chosen container."""
        self._verb("kill")

    def do_remove(self) -> None:
        """Remove the chosen container."""
        self._verb("remove")

    def do_pause(self) -> None:
        """Pause the chosen container, or let a paused one go on."""
        paused = all(one.state is ContainerState.PAUSED for one in self._targets())
        self._verb("unpause" if paused else "pause")

    def do_logs(self) -> None:
        """Follow the marked containers, or the chosen one, on the Logs screen."""
        self.console.goto("logs", " ".join(one.id for one in self._targets()))

    def do_why(self) -> None:
        """Say why the chosen container is in its state."""
        if (one := self.chosen) is not None and self.store.fleet is not None:
            now = self.store.now()
            word = fleet_word(one, self.store.fleet, self.store.down, now)
            self.console.say(show.why(one, word, self._detail, now))

    def do_copy(self) -> None:
        """Offer what can be copied of the chosen container."""
        if (one := self.chosen) is not None:
            offer(self.app, show.copies(one))

    def do_sort(self) -> None:
        """Sort by the next column."""
        self.view = replace(self.view, sort=SORTS[(SORTS.index(self.view.sort) + 1) % len(SORTS)])
        self.repaint()

    def do_reverse(self) -> None:
        """Reverse the order."""
        self.view = replace(self.view, reverse=not self.view.reverse)
        self.repaint()

    def do_stopped(self) -> None:
        """Hide stopped containers, or show them."""
        self.view = replace(self.view, hide_stopped=not self.view.hide_stopped)
        self.repaint()

    def do_filter(self) -> None:
        """Let the operator type a filter."""
        self.open_entry("filter", self.view.text)

    def do_clear(self) -> None:
        """Clear filter and marks."""
        self.query_one("#table", LiveTable).set_marked(())
        self.set_filter("")

    def set_filter(self, text: str) -> None:
        """Filter by another text."""
        self.view = replace(self.view, text=text)
        self.repaint()

    def do_next_tab(self) -> None:
        """Show the next detail tab."""
        self._turn(1)

    def do_last_tab(self) -> None:
        """Show the previous detail tab."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        self.tab = show.TABS[(show.TABS.index(self.tab) + step) % len(show.TABS)]
        self._paint_side()
        self.query_one(Detail).action_edge(1 if self.tab == "Logs" else 0)

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()
