"""Approvals: what waits for a person, with everything there is to know about it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.actions import Approval, ApprovalState
from aistack_backend.wire.events import Topic
from aistack_console.clipboard import copy
from aistack_console.keys import Action
from aistack_console.present.approvals import COLUMNS, evidence, queue
from aistack_console.screens.acting import ActingScreen
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class ApprovalsScreen(ActingScreen):
    """The queue, nearest deadline first, and the evidence of the chosen one. Deciding opens the dialog."""

    NAME = "approvals"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="approvals.approve", keys="a", title="Decide: opens the dialog", hint="decide", mutates=True),
        Action(id="approvals.deny", keys="d", title="Deny: opens the dialog", hint="deny", mutates=True),
        Action(id="approvals.next", keys="n", title="Next one that waits", hint="next"),
        Action(id="approvals.copy", keys="y", title="Copy its hash", hint="copy"),
    )
    TOPICS = frozenset({Topic.APPROVALS})
    CSS_PATH = "approvals.tcss"

    def compose_body(self) -> ComposeResult:
        """Yield queue and evidence."""
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield Line(id="head")
                yield LiveTable(COLUMNS, id="table")
            with Vertical(id="side"):
                yield Line(id="evidence-head", classes="pane-title")
                yield Detail(id="detail")

    @property
    def chosen(self) -> Approval | None:
        """The approval under the cursor."""
        return self._by_key(self.query_one("#table", LiveTable).cursor_key)

    def _by_key(self, key: str | None) -> Approval | None:
        found = self.store.approvals
        return next((one for one in found.approvals if str(one.id) == key), None) if found else None

    def paint(self) -> None:
        """Show queue and evidence."""
        found = self.store.approvals
        waiting = "not measured yet" if self.store.pending is None else f"{self.store.pending} waiting"
        status = self.store.status
        rule = f"   asks from {status.threshold} up" if status and status.require_approval else ""
        self.query_one("#head", Line).show((("APPROVALS  ", "accent"), f"{waiting}{rule}"))
        self.query_one("#table", LiveTable).set_rows(queue(found, self.store.now()))
        self._paint_side()

    def _paint_side(self) -> None:
        one, detail = self.chosen, self.query_one(Detail)
        title = self.query_one("#evidence-head", Line)
        if one is None:
            title.show((("EVIDENCE", "accent"),))
            detail.show(())
            return
        below = f"   {detail.below} more lines" if detail.below else ""
        title.show(((f"EVIDENCE #{one.id}", "accent"), (f"   bound to sha {one.action_hash[:8]}{below}", "dim")))
        detail.show(evidence(one, self.store.now()))

    def receive(self, argument: str) -> None:
        """Go to the next waiting one, or open the dialog of a number."""
        word, _, number = argument.partition(" ")
        if word == "next":
            self.do_next()
        elif word in {"approve", "deny", "show"}:
            one = self._by_key(number)
            if one is None:
                self.console.say(f"There is no approval {number} in the list.", "warn")
                return
            self.query_one("#table", LiveTable).move_to(number)
            if word != "show":
                self.do_approve()

    def why_not(self, action: Action) -> str:
        """Return why the chosen one cannot be decided."""
        if action.name not in {"approve", "deny", "copy"}:
            return ""
        one = self.chosen
        if one is None:
            return "Nothing is chosen."
        if action.mutates and one.state is not ApprovalState.PENDING:
            return f"It is {one.state.value} already."
        return ""

    def do_approve(self) -> None:
        """Open the dialog."""
        if (one := self.chosen) is not None:
            self.decide(one)

    def do_deny(self) -> None:
        """Open the dialog."""
        self.do_approve()

    def do_next(self) -> None:
        """Put the cursor on the next approval that waits, round and round."""
        found = self.store.approvals.approvals if self.store.approvals else ()
        waiting = [one.id for one in found if one.state is ApprovalState.PENDING]
        if not waiting:
            self.console.say("Nothing waits for a decision.")
            return
        at = self.chosen.id if self.chosen else 0
        following = waiting[(waiting.index(at) + 1) % len(waiting)] if at in waiting else waiting[0]
        self.query_one("#table", LiveTable).move_to(str(following))

    def do_copy(self) -> None:
        """Copy the hash of the chosen action."""
        if (one := self.chosen) is not None:
            copy(self.app, one.action_hash)

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()

    @on(Detail.Seen)
    def _read_on(self) -> None:
        self._paint_side()
