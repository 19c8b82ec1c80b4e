"""Approvals: what waits for a person, with everything there is to know about it."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from aistack_backend.wire.actions import ActionRequest, Approval, ApprovalState, EditRequest
from aistack_backend.wire.events import Topic
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.keys import Action
from aistack_console.present import empty
from aistack_console.present.approvals import COLUMNS, copies, evidence, queue, record, script_of, uneditable, winner
from aistack_console.screens.ruling import RulingScreen
from aistack_console.screens.sharing import share
from aistack_console.widgets.copy_menu import offer
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.edit_dialog import EditDialog
from aistack_console.widgets.line import Line
from aistack_console.widgets.live_table import LiveTable


class ApprovalsScreen(RulingScreen):
    """The queue, nearest deadline first, and the evidence of the chosen one. Deciding opens the dialog."""

    NAME = "approvals"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="approvals.approve", keys="a", title="Decide: opens the dialog", hint="decide", mutates=True),
        Action(id="approvals.deny", keys="d", title="Deny with a reason", hint="deny", mutates=True),
        Action(id="approvals.deny_stop", keys="D", title="Deny, and stop its task", mutates=True),
        Action(id="approvals.edit", keys="e", title="Edit the command: a new request", hint="edit", mutates=True),
        Action(id="approvals.allow", keys="A", title="Allow this unasked for a while: rehearsed first", mutates=True),
        Action(id="approvals.backup", keys="B", title="Take a backup of the stack first", mutates=True),
        Action(id="approvals.rules", keys="R", title="Rules: what was allowed in advance", hint="rules"),
        Action(id="approvals.next", keys="n", title="Next one that waits", hint="next"),
        Action(id="approvals.raw", keys="v", title="The record as it is hashed, or the evidence", hint="raw"),
        Action(id="approvals.copy", keys="y", title="Copy its hash, command or record", hint="copy"),
    )
    TOPICS = frozenset({Topic.APPROVALS})
    CSS_PATH = "approvals.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._raw = False

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
        rows = queue(found, self.store.now())
        self.query_one("#table", LiveTable).set_rows(rows)
        share(self, self.query_one("#list"), len(rows) + 2, 2 / 5)
        self._paint_side()

    def _paint_side(self) -> None:
        one, detail = self.chosen, self.query_one(Detail)
        title = self.query_one("#evidence-head", Line)
        if one is None:
            title.show((("EVIDENCE", "accent"),))
            known = self.store.approvals is not None
            detail.show(empty.approvals(self.store.status) if known else empty.away(self.store.why_down))
            return
        below = f"   {detail.below} more lines" if detail.below else ""
        what = "RECORD" if self._raw else "EVIDENCE"
        title.show(((f"{what} #{one.id}", "accent"), (f"   bound to sha {one.action_hash[:8]}{below}", "dim")))
        detail.show(record(one) if self._raw else evidence(one, self.store.now()))

    def receive(self, argument: str) -> None:
        """Go to the next waiting one, or open the dialog of a number."""
        word, _, number = argument.partition(" ")
        if word == "next":
            self.do_next()
        elif word == "undo":
            self.undo()
        elif word in {"approve", "deny", "show"}:
            one = self._by_key(number)
            if one is None:
                self.console.say(f"There is no approval {number} in the list.", "warn")
                return
            self.query_one("#table", LiveTable).move_to(number)
            if word == "approve":
                self.do_approve()
            elif word == "deny":
                self.do_deny()

    def why_not(self, action: Action) -> str:
        """Return why the chosen one cannot be decided."""
        if action.name not in {"approve", "deny", "deny_stop", "edit", "allow", "copy", "raw"}:
            return ""
        one = self.chosen
        if one is None:
            return "Nothing is chosen."
        if action.mutates and one.state is not ApprovalState.PENDING:
            return f"It is {one.state.value} already."
        return uneditable(one) if action.name == "edit" else ""

    def do_approve(self) -> None:
        """Open the dialog."""
        if (one := self.chosen) is not None:
            self.decide(one)

    def do_deny(self) -> None:
        """Open the dialog and ask for the reason of the denial."""
        if (one := self.chosen) is not None:
            self.decide(one, deny=True)

    def do_deny_stop(self) -> None:
        """Open the dialog and ask for the reason of the denial; its task is stopped too."""
        if (one := self.chosen) is not None:
            self.decide(one, deny=True, stop=True)

    @work(group="edit")
    async def do_edit(self) -> None:
        """Let the text of the chosen command be changed; the new request opens in the dialog."""
        if (one := self.chosen) is None:
            return
        text = await self.app.push_screen_wait(EditDialog(f"EDIT #{one.id} {one.title}", script_of(one)))
        if text is None:
            self.console.say(f"Approval {one.id} stays as it is.")
            return
        try:
            asked = await self.console.client.edit(one.id, EditRequest(action_hash=one.action_hash, script=text))
        except ClientError as error:
            first = error.type == "approval-already-decided"
            self.console.say(winner(error.winner, error.decision, error.decided_at) if first else error.sentence, "bad")
        except ConsoleError as error:
            self.console.say(error.sentence, "bad")
        else:
            self.decide(asked)

    def do_allow(self) -> None:
        """Rehearse a rule like the chosen request, and make it on a yes."""
        if (one := self.chosen) is not None:
            self.allow_like(one)

    def do_backup(self) -> None:
        """Ask for a backup of the stack; what waits goes on waiting."""
        self.act(ActionRequest(kind="stack.backup"))

    def do_rules(self) -> None:
        """List the rules."""
        self.show_rules()

    def do_raw(self) -> None:
        """Show the record byte for byte as it is hashed, or the evidence again."""
        self._raw = not self._raw
        self._paint_side()

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
        """Offer what can be copied of the chosen action."""
        if (one := self.chosen) is not None:
            offer(self.app, copies(one))

    @on(LiveTable.RowHighlighted, "#table")
    def _highlighted(self) -> None:
        self._paint_side()

    @on(LiveTable.RowSelected, "#table")
    def _selected(self) -> None:
        self.query_one(Detail).focus()

    @on(Detail.Seen)
    def _read_on(self) -> None:
        self._paint_side()
