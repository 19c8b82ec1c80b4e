"""The pane beside the services list: the tabs of the chosen service or container."""

from __future__ import annotations

from collections import deque

from textual import work

from aistack_backend.wire.containers import Container, ContainerDetail, LogLine
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Service
from aistack_console.errors import ConsoleError
from aistack_console.present import container as show
from aistack_console.present import empty, grouped, ladder
from aistack_console.present.para import Para, para, title
from aistack_console.present.services import View
from aistack_console.present.stack import container_of
from aistack_console.present.words import Word, fleet_word
from aistack_console.screens.stacking import StackScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable
from aistack_console.widgets.spark import spark

TAIL = 200
"""Log lines that the Logs tab keeps; the Logs screen keeps more."""


class ChosenPane(StackScreen):
    """Knows what is under the cursor of ``#table`` and shows it in ``#tabline`` and ``#detail``."""

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.tab = "Health"
        self._detail: ContainerDetail | None = None
        self._lines: deque[LogLine] = deque(maxlen=TAIL)
        self._problem = ""
        self._reading = ("", "", "")

    @property
    def _key(self) -> str:
        return self.query_one("#table", LiveTable).cursor_key or ""

    @property
    def service(self) -> Service | None:
        """The service under the cursor."""
        return self._service(self._key)

    def _service(self, key: str) -> Service | None:
        stack, name = self.store.stack, key.removeprefix(grouped.SERVICE)
        if stack is None or name == key:
            return None
        return next((one for one in stack.services if one.id == name), None)

    @property
    def chosen(self) -> Container | None:
        """The container under the cursor, also that of a service."""
        return self._container(self._key)

    def _container(self, key: str) -> Container | None:
        one, fleet = self._service(key), self.store.fleet
        if one is not None:
            return container_of(one, fleet)
        return next((box for box in fleet.containers if box.ref == key), None) if fleet else None

    def _paint_side(self) -> None:
        one, detail, service = self.chosen, self.query_one(Detail), self.service
        store = self.store
        if service is not None and (one is None or self.tab == "Health"):
            self._paint_service(service, one)
            return
        if one is None and self._key.startswith(grouped.GROUP):
            name = self._key.removeprefix(grouped.GROUP)
            self.query_one("#tabline", Line).show(((name, "accent"), "  a group"))
            about = empty.machine(store.fleet, name, store.now())
            detail.show((*about, para(("Enter folds it, or shows its services again.", "dim"))))
            return
        if one is None or store.fleet is None:
            self.query_one("#tabline", Line).show((("WHY IS NOTHING HERE", "accent"),))
            fleet = store.fleet
            detail.show(empty.services(fleet, self.view, store.now()) if fleet else empty.away(store.why_down))
            return
        names = "  ".join(f"[{name}]" if name == self.tab else name for name in show.TABS)
        self.query_one("#tabline", Line).show(((one.full_name, "accent"), f"  {names}"))
        self._read(one)
        word = fleet_word(one, store.fleet, store.down, store.now())
        at_end = detail.below == 0
        detail.show(self._paras(one, word))
        if self.tab == "Logs" and at_end:
            detail.action_edge(1)

    def _paint_service(self, service: Service, one: Container | None) -> None:
        """Show the ladder of a service, and its container's own facts below."""
        store, stack, detail = self.store, self.store.stack, self.query_one(Detail)
        names = "  ".join(f"[{name}]" if name == self.tab else name for name in show.TABS)
        self.query_one("#tabline", Line).show(((service.id, "accent"), f"  {names}" if one else "  no container"))
        paras = ladder.health(service, stack, store.down, store.now()) if stack else ()
        if one is not None and store.fleet is not None:
            self._read(one)
            full = self._detail if self._detail and self._detail.container.ref == one.ref else None
            word = fleet_word(one, store.fleet, store.down, store.now())
            paras = (*paras, title("container"), *show.health(one, word, full, store.now()))
        detail.show(paras)

    def _paras(self, one: Container, word: Word) -> tuple[Para, ...]:
        now, store, width = self.store.now(), self.store, self.query_one(Detail).size.width
        full = self._detail if self._detail and self._detail.container.ref == one.ref else None
        if self.tab in {"Env", "Inspect"} and full is None and self._problem:
            return show.logs((), self._problem)
        return {
            "Health": lambda: show.health(one, word, full, now),
            "Logs": lambda: show.logs(tuple(self._lines), self._problem),
            "Stats": lambda: show.stats(tuple(store.usage.get(one.ref, ())), one, spark, width),
            "Env": lambda: show.env(full),
            "Inspect": lambda: show.inspect(full),
            "Events": lambda: show.events(tuple(store.feed), one, now),
        }[self.tab]()

    def _read(self, one: Container) -> None:
        """Ask for what the list does not hold, once for each container, state and tab."""
        wanted = (one.ref, f"{one.state}{one.health}{one.started_at}", "Logs" if self.tab == "Logs" else "")
        if wanted != self._reading and self.store.down is None:
            if wanted[0] != self._reading[0]:
                self._detail, self._problem = None, ""
            self._reading = wanted
            self._fetch(one.ref, self.tab == "Logs")

    @work(exclusive=True, group="detail")
    async def _fetch(self, ref: str, with_logs: bool) -> None:
        client = self.console.client
        try:
            self._lines.clear()
            self._detail = await client.container(ref)
            self._problem = ""
            self._paint_side()
            if with_logs:
                async for batch in client.logs(ref, tail=TAIL, follow=True):
                    self._lines.extend(batch.lines)
                    self._changed(Topic.USAGE)  # paints at once, but not for every batch of a loud container
        except ConsoleError as error:
            self._problem = error.sentence
        self._paint_side()

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
