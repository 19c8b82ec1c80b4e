"""Services: the stack by its groups, every other container, and all that is known about the chosen one."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.containers import Container, ContainerState
from aistack_backend.wire.events import Topic
from aistack_console.keys import Action
from aistack_console.present import container as show
from aistack_console.present import grouped
from aistack_console.present.services import COLUMNS, SORTS, Listed, listed, own_action
from aistack_console.present.stack import problem as problem_of
from aistack_console.present.words import fleet_word
from aistack_console.screens.chosen import ChosenPane
from aistack_console.screens.sharing import share
from aistack_console.screens.stacking import stack_actions
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable

STACKING = frozenset({"up", "up_set", "down", "recreate", "hold", "check"})
"""Actions on a service, not on its container."""


class ServicesScreen(ChosenPane):
    """The list on the left (or alone, when narrow), the chosen container's tabs beside or below."""

    NAME = "services"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="services.logs", keys="l", title="Follow its logs, or those of all that are marked", hint="logs"),
        *stack_actions("services"),
        Action(id="services.restart", keys="r", title="Restart it", hint="restart", mutates=True),
        Action(id="services.stop", keys="s", title="Stop it", hint="stop", mutates=True),
        Action(id="services.start", keys="S", title="Start it", hint="start", mutates=True),
        Action(id="services.pause", keys="p", title="Pause it, or let a paused one go on", hint="pause", mutates=True),
        Action(id="services.kill", keys="K", title="Kill it", mutates=True),
        Action(id="services.remove", keys="X", title="Remove it", hint="remove", mutates=True),
        Action(id="services.certificate", keys="C", title="Renew the TLS certificate that it shows", mutates=True),
        Action(id="services.filter", keys="slash", title="Filter the list", hint="filter"),
        Action(id="services.sort", keys="o", title="Sort by the next column", hint="sort"),
        Action(id="services.reverse", keys="O", title="Reverse the order"),
        Action(id="services.stopped", keys="A", title="Hide stopped ones, or show them", hint="hide"),
        Action(id="services.next_tab", keys="right_square_bracket,shift+right", title="Next detail tab", hint="tab"),
        Action(id="services.last_tab", keys="left_square_bracket,shift+left", title="Previous detail tab"),
        Action(id="services.copy", keys="y", title="Copy its name, id, image or command", hint="copy"),
        Action(id="services.clear", keys="escape", title="Clear filter and marks"),
    )
    TOPICS = frozenset({Topic.FLEET, Topic.USAGE, Topic.ACTIVITY, Topic.TASKS, Topic.STACK})
    CSS_PATH = "services.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.folded: set[str] = set()

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
    def here(self) -> str:
        """What the list of needs calls the thing under the cursor."""
        return self.service.id if self.service else self.chosen.ref if self.chosen else ""

    def paint(self) -> None:
        """Show list and detail."""
        found = self._listed()
        self.query_one("#head", Line).show((("SERVICES  ", "accent"), (found.head, "dim")))
        problem = self.query_one("#problem", Line)
        problem.display = bool(found.problem)
        problem.show(((found.problem, "bad"),))
        self.query_one("#table", LiveTable).set_rows(found.rows)
        share(self, self.query_one("#list"), len(found.rows) + 2 + bool(found.problem), 2 / 3)
        self._paint_side()

    def _listed(self) -> Listed:
        store, table = self.store, self.query_one("#table", LiveTable)
        own = {target: cell for target, task in self.own_tasks().items() if (cell := own_action(task)) is not None}
        stack, now = store.stack, store.now()
        columns = grouped.COLUMNS if stack and stack.services else COLUMNS
        if columns != table.columns:
            table.set_columns(columns)
        if stack is None or not stack.services:
            found = listed(
                store.fleet, store.usage_table, self.view, down=store.down, why=store.why_down, now=now, own=own
            )
            return replace(found, problem=found.problem or problem_of(stack, now))
        world = grouped.World(
            stack=stack, fleet=store.fleet, usage=store.usage_table, down=store.down, now=now, own=own
        )
        return grouped.listed(world, self.view, self.folded)

    def receive(self, argument: str) -> None:
        """Put the cursor on a service or container by name or id; a text that names none becomes the filter."""
        fleet, stack, table = self.store.fleet, self.store.stack, self.query_one("#table", LiveTable)
        for service in stack.services if stack else ():
            if argument in (service.id, service.container, service.container_id):
                self.folded.discard(service.group)
                self.repaint()
                table.move_to(f"{grouped.SERVICE}{service.id}")
                return
        for one in fleet.containers if fleet else ():
            if argument == one.full_name or one.ref.startswith(argument):
                self.folded.discard(grouped.group_of(one))
                self.repaint()
                table.move_to(one.ref)
                return
        self.set_filter(argument.removeprefix("/"))

    def hints(self) -> tuple[Action, ...]:
        """Return the keys for the footer; without a stack none of a stack's."""
        stack = self.store.stack
        found = super().hints()
        return found if stack and stack.services else tuple(one for one in found if one.name not in STACKING)

    def why_not(self, action: Action) -> str:
        """Return why a verb makes no sense for any of the containers it would go to."""
        if action.name in STACKING:
            return self.why_not_stack(action)
        if action.name == "certificate":
            shows = self.service is not None and self.service.certificate_until is not None
            return "" if shows else "No certificate of ours was seen on it."
        if not action.mutates and action.name not in {"logs", "why", "copy"}:
            return ""
        if self.service is not None and (action.name == "why" or self.chosen is None):
            return "" if action.name == "why" else f"{self.service.id} has no container: u brings it up."
        reasons = [show.cannot(action.name, one) for one in self._targets()]
        if not reasons:
            return "No container is chosen."
        return reasons[0] if all(reasons) else ""

    def _targets(self) -> tuple[Container, ...]:
        """Return the marked containers; without a mark the one under the cursor."""
        marked = self.query_one("#table", LiveTable).marked
        found = tuple(
            one
            for row in self.query_one("#table", LiveTable).rows
            if row.key in marked
            if (one := self._container(row.key)) is not None
        )
        return found or ((self.chosen,) if self.chosen else ())

    def _verb(self, verb: str) -> None:
        able = [one for one in self._targets() if not show.cannot(verb, one)]
        requests = [ActionRequest(kind=f"container.{verb}", target=one.ref) for one in able]
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

    def do_certificate(self) -> None:
        """Ask for a new certificate of the chosen service."""
        if self.service is not None:
            self.bring("certificate.renew", self.service.id)

    def do_pause(self) -> None:
        """Pause the chosen container, or let a paused one go on."""
        paused = all(one.state is ContainerState.PAUSED for one in self._targets())
        self._verb("unpause" if paused else "pause")

    def do_logs(self) -> None:
        """Follow the marked containers, or the chosen one, on the Logs screen."""
        self.console.goto("logs", " ".join(one.ref for one in self._targets()))

    def do_why(self) -> None:
        """Show why the chosen service, or say why the chosen container, is in its state."""
        if self.service is not None:
            self.show_why(self.service)
        elif (one := self.chosen) is not None and self.store.fleet is not None:
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

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self, event: LiveTable.RowSelected) -> None:
        if event.key.startswith(grouped.GROUP):
            self.folded ^= {event.key.removeprefix(grouped.GROUP)}
            self.repaint()
        else:
            self.query_one(Detail).focus()
