"""Map: the services in layers, what each needs and who needs it; a list with the same facts on one key."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Service
from aistack_console.keys import Action
from aistack_console.present import empty, ladder, traffic
from aistack_console.present import map as show
from aistack_console.present.para import para
from aistack_console.present.stack import by_id, root_causes
from aistack_console.screens.sharing import WIDE
from aistack_console.screens.stacking import StackScreen, stack_actions
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

SIDE = 54
"""Columns of the pane beside the map, where there is room for one."""


class MapScreen(StackScreen):
    """The map, its list twin, and the chosen service."""

    NAME = "map"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="map.down_tie", keys="j,down", title="Go to what it needs", hint="needs"),
        Action(id="map.up_tie", keys="k,up", title="Go to who needs it", hint="used by"),
        Action(id="map.left", keys="h,left", title="Previous service"),
        Action(id="map.right", keys="l,right", title="Next service"),
        Action(id="map.blast", keys="b", title="Show everything that needs it, or only its own ties", hint="blast"),
        Action(id="map.traffic", keys="t", title="Show the traffic on its ties, or only the ties", hint="traffic"),
        Action(id="map.list", keys="V", title="Show the same as a list, or as a map", hint="list"),
        Action(id="map.open", keys="enter", title="Open it in Services", hint="open"),
        *stack_actions("map"),
    )
    TOPICS = frozenset({Topic.STACK})
    CSS_PATH = "map.tcss"
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.at = ""
        self.blast = self.as_list = self.traffic = False

    def compose_body(self) -> ComposeResult:
        """Yield the root cause, map, list and the chosen service."""
        yield Line(id="cause")
        with Horizontal(id="panes"):
            with Vertical(id="picture"):
                graph = Detail(id="graph")
                graph.can_focus = False  # its keys walk along ties
                yield graph
                yield LiveTable(show.COLUMNS, id="table")
            yield Detail(id="detail")

    @property
    def service(self) -> Service | None:
        """The chosen service."""
        stack = self.store.stack
        return by_id(stack).get(self.at) if stack else None

    @property
    def room(self) -> int:
        """Cells that a line of the map has."""
        width = self.app.size.width
        return (width - SIDE if width >= WIDE else width) - 1

    def paint(self) -> None:
        """Show the stack as it is now."""
        store, now = self.store, self.store.now()
        stack = store.stack if store.stack and store.stack.services else None
        self.query_one("#cause", Line).show(show.cause_line(stack, down=store.down, now=now) if stack else ())
        graph, table = self.query_one("#graph", Detail), self.query_one("#table", LiveTable)
        graph.display, table.display = not self.as_list, self.as_list
        if stack is None:
            graph.show(empty.away(store.why_down) if store.down is not None else empty.stack(store.stack, now))
            table.set_rows(())
            self.query_one("#detail", Detail).show(())
            return
        if self.service is None:
            causes = root_causes(stack, store.down, now)
            self.at = causes[0][0].id if causes else show.layout(stack, self.room).lines[0][0].id
        marked = show.blast(stack, self.at) if self.blast else ()
        labels = traffic.labels(stack, now) if self.traffic else None
        graph.show(show.graph(stack, self.at, marked, self.room, down=store.down, now=now, labels=labels))
        table.set_rows(show.rows(stack, down=store.down, now=now, with_traffic=self.traffic))
        self._keep_in_view()
        self._paint_side()

    def _keep_in_view(self) -> None:
        """Keep the chosen node on screen."""
        stack, graph = self.store.stack, self.query_one("#graph", Detail)
        place = show.layout(stack, self.room).places.get(self.at) if stack else None
        if place is None:
            return
        line, top, height = 2 * place.line, int(graph.scroll_offset.y), graph.size.height
        if line < top or line >= top + height - 1:
            graph.scroll_to(y=max(0, line - height // 2), animate=False, force=True)

    def _paint_side(self) -> None:
        stack, one = self.store.stack, self.service
        if stack is None or one is None:
            return
        paras = list(ladder.health(one, stack, self.store.down, self.store.now()))
        if self.blast:
            hit = show.blast(stack, one.id)
            words = ladder.names(hit, stack, self.store.down, self.store.now())
            paras.insert(0, para((f"BLAST RADIUS {len(hit)}: ", "warn"), *words))
        if self.traffic:
            paras = [*traffic.paras(stack, one.id, self.store.now()), *paras]
        detail = self.query_one("#detail", Detail)
        detail.show((para((f"{one.id}  ", "accent"), (one.title, "dim")), *paras))

    def receive(self, argument: str) -> None:
        """Go to a service by its id."""
        self._go(argument)

    def _go(self, name: str) -> None:
        if name and name != self.at and self.store.stack and name in by_id(self.store.stack):
            self.at = name
            self.query_one("#table", LiveTable).move_to(name)
            self.query_one("#detail", Detail).action_edge(0)
            self.repaint()

    def _step(self, way: str) -> None:
        if self.store.stack and self.store.stack.services:
            found = show.step(self.store.stack, self.at, way, self.room)
            if found == self.at and way in "jk":
                self.console.say(f"{self.at} needs no other service." if way == "j" else f"Nothing needs {self.at}.")
            self._go(found)

    def why_not(self, action: Action) -> str:
        """Return why an action on the chosen service makes no sense."""
        if action.name in {"why", "open", "blast"} and self.service is None:
            return "No service of the stack is chosen."
        return self.why_not_stack(action)

    def do_down_tie(self) -> None:
        """Go to what the chosen service needs."""
        self._step("j")

    def do_up_tie(self) -> None:
        """Go to who needs the chosen service."""
        self._step("k")

    def do_left(self) -> None:
        """Go to the service before."""
        self._step("h")

    def do_right(self) -> None:
        """Go to the service after."""
        self._step("l")

    def do_blast(self) -> None:
        """Show the blast radius, or only the chosen one's own ties."""
        self.blast = not self.blast
        self.repaint()

    def do_traffic(self) -> None:
        """Show what passes on the ties, or only the ties."""
        self.traffic = not self.traffic
        self.query_one("#detail", Detail).action_edge(0)
        self.repaint()

    def do_list(self) -> None:
        """Swap map and list."""
        self.as_list = not self.as_list
        self.repaint()
        table = self.query_one("#table", LiveTable)
        table.move_to(self.at)
        self.set_focus(table if self.as_list else None)

    def do_why(self) -> None:
        """Show the way to the root cause."""
        if self.service is not None:
            self.show_why(self.service)

    def do_open(self) -> None:
        """Open the chosen service in Services."""
        self.console.goto("services", self.at)

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self, event: LiveTable.RowHighlighted) -> None:
        if self.as_list:
            self._go(event.key)

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.do_open()
