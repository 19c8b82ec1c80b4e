"""The dialog in which a person decides: the whole action, focus on Deny, nothing counts that was not meant."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from aistack_backend.wire.actions import GO_ON, Approval, DecideRequest, Verdict
from aistack_console.client.act import acting
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.present.approvals import Typed, blocked_by, evidence, head, missing, winner
from aistack_console.present.para import Para
from aistack_console.present.table import Cell
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.guard import ALONE, HAND, KeyGuard
from aistack_console.widgets.line import Line

Submit = Callable[[DecideRequest], Awaitable[None]]
GoOn = Callable[[], Awaitable[None]]


class TypedOnly(Input):
    """An input that takes keys only: a paste is refused, also one that comes as keys with an Enter in it."""

    class Hasty(Message):
        """An Enter came with other keys, faster than a hand types; it was not taken."""

    _last = 0.0

    def on_key(self, event: events.Key) -> None:
        """Hold back an Enter that nobody's hand pressed."""
        before, self._last = self._last, event.time
        if event.key == "enter" and event.time - before < HAND:
            event.stop()
            self.post_message(self.Hasty())

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()


class ApprovalDialog(ModalScreen[bool]):
    """Shows one approval and sends the decision through ``submit``; closes with True when it was taken.

    For the operator's own action (id 0) deny is the same as leaving. When somebody else was first the dialog
    stays and says who. ``deny`` begins with the reason of a denial; ``paras`` is what is shown to be read; ``go_on``
    takes the deliberate step after a pause, once its words were typed.
    """

    CSS = """
    ApprovalDialog { align: center middle; }
    ApprovalDialog > Vertical { width: 100%; max-width: 110; height: 100%; max-height: 90%; border: heavy $warning;
        background: $surface; }
    ApprovalDialog.-narrow > Vertical { max-height: 100%; }
    ApprovalDialog TypedOnly { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    ApprovalDialog TypedOnly.-on { display: block; }
    ApprovalDialog #buttons { height: 1; }
    ApprovalDialog Button { margin: 0 2 0 1; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium")]  # noqa: RUF012 (Textual's own name)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "yes", "Approve"),
        Binding("d", "no", "Deny"),
        Binding("escape", "leave", "Leave it undecided"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("pagedown,space", "read", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("G,end", "scroll(100000)", show=False),
        Binding("g,home", "scroll(-100000)", show=False),
    ]
    AUTO_FOCUS = "#deny"

    def __init__(
        self,
        approval: Approval,
        submit: Submit,
        *,
        now: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
        off: str = "",
        deny: bool = False,
        paras: Callable[[Approval, float], Sequence[Para]] = evidence,
        go_on: GoOn | None = None,
    ) -> None:
        super().__init__()
        self._go_on, self._pausing = go_on, False
        self._begin_with_deny, self._paras = deny, paras
        self.approval = approval
        self._submit, self._now, self._mono = submit, now, mono
        self._off = off
        self.guard = KeyGuard(mono())
        self._asked: Verdict | None = None
        self._said = ""
        self._typed = Typed()
        self._sending = False

    def compose(self) -> ComposeResult:
        """Lay out head, evidence, what is missing, the input and the buttons."""
        with Vertical():
            yield Line(id="head")
            yield Detail(id="evidence")
            yield Line(id="gate")
            yield TypedOnly(compact=True, id="typed")
            with Horizontal(id="buttons"):
                yield Button("Deny" if self.approval.id else "No", variant="error", compact=True, id="deny")
                yield Button("Approve" if self.approval.id else "Do it", variant="success", compact=True, id="approve")
                yield Button("Close", compact=True, id="close")
            yield Line(id="keys")

    def on_mount(self) -> None:
        """Begin to show and to count down."""
        self.set_interval(1.0, self._paint)
        self._paint()
        if self._begin_with_deny and not self._off:
            self.call_after_refresh(self.action_no)

    def update(self, approval: Approval) -> None:
        """Show a newer state of the same approval, e.g. that somebody else decided it."""
        if approval != self.approval:
            self.approval = approval
            self._paint()

    def _paint(self) -> None:
        now = self._now()
        self.query_one("#head", Line).show(head(self.approval, now))
        self.query_one(Detail).show(self._paras(self.approval, now))
        self.query_one("#keys", Line).show(self._keys())
        text = self._said or self._missing() or "Read to the end. Approve with a, deny with d."
        self.query_one("#gate", Line).show(((f" {text}", "bad" if self._said else "warn"),))
        self.query_one("#approve", Button).disabled = bool(self._blocked())

    def _keys(self) -> tuple[Cell, ...]:
        yes, no = ("approve", "deny with a reason") if self.approval.id else ("do it", "no")
        return ((" a", "accent"), f" {yes}  ", ("d", "accent"), f" {no}  ", ("esc", "accent"), " close  ",
                ("space", "accent"), " reads on")  # fmt: skip

    def _blocked(self) -> str:
        return self._off or blocked_by(self.approval, unseen=self.query_one(Detail).unseen, now=self._now())

    def _missing(self, typed: Typed | None = None) -> str:
        unseen = self.query_one(Detail).unseen
        return self._off or missing(self.approval, unseen=unseen, typed=typed or Typed(), now=self._now())

    @on(Detail.Seen)
    def _read_on(self) -> None:
        if self._asked is None:
            self._said = ""
        self._paint()

    def on_key(self, event: events.Key) -> None:
        """Swallow keys that were on their way when the dialog opened."""
        if not self.guard.press(event.time) and event.key != "escape":
            event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """A paste decides nothing."""
        event.stop()
        self._tell("Pasted text is not taken here.")

    @on(TypedOnly.Hasty)
    def _hasty(self) -> None:
        self._tell("That Enter came in one piece with what was typed: press it again.")

    def _tell(self, sentence: str) -> None:
        self._said = sentence
        self._paint()

    def action_scroll(self, lines: int) -> None:
        """Read on."""
        self.query_one(Detail).action_line(lines)

    def action_read(self) -> None:
        """Read on, back to what a jump left out too."""
        self.query_one(Detail).read_on()

    def action_leave(self) -> None:
        """Leave without deciding."""
        if self._asked is not None:
            self._close_input()
        else:
            self.dismiss(False)

    def action_yes(self) -> None:
        """Ask for what is missing, or approve when nothing is and no other key follows at once."""
        self._said = ""
        if why := self._blocked():
            self._tell(why)
        elif self._missing():
            self._open_input(Verdict.APPROVE, self._missing())
        elif not self.guard.quiet:
            self._tell("That key came too soon after another one: pause, then press it again.")
        else:
            pressed = self.guard.last
            self.set_timer(ALONE, lambda: self._yes_if_alone(pressed))

    def _yes_if_alone(self, pressed: float) -> None:
        """Approve unless another key came after the yes: then it was part of a paste or of a terminal's report."""
        if self.guard.last == pressed and not self._blocked():
            self._send(Verdict.APPROVE, ago=self._mono() - pressed)
        else:
            self._tell("Other keys came with the yes: nothing was decided.")

    def action_no(self) -> None:
        """Ask for the reason of a denial; for an own action just leave."""
        self._said = ""
        if not self.approval.id:
            self.dismiss(False)
        elif self._off:
            self._tell(self._off)
        else:
            self._open_input(Verdict.DENY, "Why not? The asker is told. Type a reason and press Enter.")

    def _open_input(self, verdict: Verdict, prompt: str) -> None:
        self._asked, self._typed = verdict, Typed()
        typed = self.query_one(TypedOnly)
        typed.value = ""
        typed.add_class("-on")
        typed.focus()
        self._tell(prompt)

    def _close_input(self) -> None:
        self._asked, self._said, self._pausing = None, "", False
        self.query_one(TypedOnly).remove_class("-on")
        self.query_one("#deny").focus()
        self._paint()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if self._pausing:
            event.input.value = ""
            self._step(text)
            return
        if self._asked is Verdict.DENY:
            if text:
                self._send(Verdict.DENY, reason=text)
            return
        self._typed = self._with(text)
        event.input.value = ""
        if why := self._missing(self._typed):
            self._tell(why)
        else:
            self._send(Verdict.APPROVE, typed=self._typed)

    def _step(self, text: str) -> None:
        """Take the step after a pause, when its words were typed; the decision itself is made anew."""
        if text.lower() == GO_ON and self._go_on is not None:
            self.run_worker(self._take(self._go_on), exclusive=True)
        else:
            self._tell(f"Type {GO_ON} and press Enter; esc leaves it undecided.")

    async def _take(self, go_on: GoOn) -> None:
        try:
            await go_on()
        except ConsoleError as error:
            self._tell(error.sentence)
        else:
            self._close_input()
            self._tell("You go on. Approve with a, deny with d.")

    def _with(self, text: str) -> Typed:
        """Return what was typed so far with ``text`` as the code when that is missing, else as the name."""
        if self.approval.code and self._typed.code != self.approval.code:
            return replace(self._typed, code=text.lower())
        return replace(self._typed, name=text)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if not self.guard.armed and not self.guard.press(self._mono()):
            return  # the mouse has to wait as the keys do
        {"deny": self.action_no, "approve": self.action_yes, "close": self.action_leave}[event.button.id or "close"]()

    def _send(self, verdict: Verdict, *, reason: str = "", typed: Typed | None = None, ago: float = 0.0) -> None:
        """Send the decision; ``ago``: seconds since the key that made it."""
        if self._sending:
            return
        self._sending = True
        done = typed or Typed()
        request = DecideRequest(
            verdict=verdict,
            action_hash=self.approval.action_hash,
            reason=reason,
            code=done.code,
            typed_name=done.name,
        )
        with acting(verdict.value, ago=ago):
            self.run_worker(self._deliver(request), exclusive=True)

    def _refused(self, error: ClientError) -> None:
        """Say why; at a pause ask for the words of the deliberate step."""
        if error.type == "approval-already-decided":
            self._tell(winner(error.winner, error.decision, error.decided_at))
        elif error.type == "approval-pause" and self._go_on is not None:
            self._open_input(Verdict.APPROVE, f"{error.detail} Read first; then type {GO_ON} and press Enter.")
            self._pausing = True
        else:
            self._tell(error.sentence)

    async def _deliver(self, request: DecideRequest) -> None:
        try:
            await self._submit(request)
        except ClientError as error:
            self._refused(error)
        except ConsoleError as error:
            self._tell(error.sentence)
        else:
            self.dismiss(True)
        finally:
            self._sending = False
