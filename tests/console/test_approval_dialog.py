"""The dialog: the whole action, nothing decided by keys that were on their way, the winner named."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from tests.console.stage import NOW, until
from tests.console.world import approval, approvals, console, stage
from textual import events
from textual.app import App
from textual.widgets import Input

from aistack_backend.wire.actions import Approval, ApprovalState, DecideRequest, Risk, Verdict
from aistack_backend.wire.events import Topic
from aistack_backend.wire.problems import Problem
from aistack_console.errors import ClientError
from aistack_console.widgets.approval_dialog import ApprovalDialog
from aistack_console.widgets.detail import Detail
from aistack_console.widgets.guard import ALONE, DEAD, QUIET, KeyGuard

SCRIPT = "\n".join(["echo harmless"] * 299 + ["rm -rf /data"])


class Desk(App[None]):
    """Holds one dialog and writes down what it decides."""

    def __init__(self, one: Approval, refuse: Problem | None = None) -> None:
        super().__init__()
        self.decided: list[DecideRequest] = []
        self.refuse = refuse
        self.dialog = ApprovalDialog(one, self._submit, now=lambda: NOW)

    def on_mount(self) -> None:
        self.push_screen(self.dialog)

    async def _submit(self, request: DecideRequest) -> None:
        if self.refuse:
            raise ClientError(self.refuse)
        self.decided.append(request)

    @property
    def said(self) -> str:
        return "".join(cell if isinstance(cell, str) else cell[0] for cell in self.dialog.query_one("#gate").cells)  # type: ignore[attr-defined]


async def a_moment() -> None:
    """Let the time pass in which another key takes a yes back: the rule that is tested is about time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + ALONE + 0.05
    await until(lambda: loop.time() > end)


def send(app: Desk, keys: Sequence[tuple[float, str]]) -> None:
    """Post keys as they would have arrived, each ``seconds`` after the dialog opened."""
    opened = app.dialog.guard._opened
    for at, key in keys:
        character = key if len(key) == 1 else {"enter": "\r", "space": " "}.get(key)
        event = events.Key(key, character)
        event.time = opened + at
        app.post_message(event)


async def test_keys_in_the_first_second_do_nothing() -> None:
    app = Desk(approval())
    async with app.run_test(size=(80, 24)) as pilot:
        send(app, [(0.1, "a"), (0.3, "enter"), (0.6, "d"), (0.9, "y")])
        await pilot.pause()
        assert app.screen is app.dialog
        assert not app.decided
        assert not app.dialog.query_one("#typed").has_class("-on")


async def test_a_quiet_approve_after_a_second_approves() -> None:
    app = Desk(approval())
    async with app.run_test(size=(80, 24)):
        send(app, [(DEAD + QUIET, "a")])
        await until(lambda: app.decided)
        assert app.decided[0].verdict is Verdict.APPROVE
        assert app.decided[0].action_hash == "9f3a" * 16
        await until(lambda: app.screen is not app.dialog)


async def test_focus_is_on_deny_and_a_denial_needs_a_reason() -> None:
    app = Desk(approval())
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.dialog.focused is app.dialog.query_one("#deny")
        send(app, [(2.0, "enter")])
        await until(lambda: app.dialog.query_one("#typed").has_class("-on"))
        assert "Why not?" in app.said
        assert app.dialog.query_one("#typed", Input).placeholder == "", "the sentence stands once"
        await pilot.press("enter")
        assert not app.decided
        await pilot.press(*"no")
        await pilot.press("enter")
        await until(lambda: app.decided)
        assert (app.decided[0].verdict, app.decided[0].reason) == (Verdict.DENY, "no")


def type_ahead(seed: int) -> list[tuple[float, str]]:
    """One stream of somebody who was typing, or held a key, when the dialog came up."""
    chance = random.Random(seed)
    keys = "aaaaddyy\n" if seed % 3 else "a"
    at, stream = chance.uniform(0, 0.3), []
    for _ in range(chance.randint(3, 25)):
        key = chance.choice(keys)
        stream.append((at, "enter" if key == "\n" else key))
        at += 0.033 if seed % 3 == 0 else chance.uniform(0.02, QUIET - 0.01)
    return stream


@pytest.mark.parametrize("seed", range(9))
async def test_type_ahead_approves_nothing(seed: int) -> None:
    """R1.15; ``test_no_type_ahead_ever_counts`` does the 500 on the guard alone."""
    app = Desk(approval())
    async with app.run_test(size=(80, 24)):
        send(app, type_ahead(seed))
        await a_moment()
        assert not app.decided


def test_no_type_ahead_ever_counts() -> None:
    for seed in range(500):
        guard = KeyGuard(0.0)
        assert not any(guard.press(at) for at, _ in type_ahead(seed)), f"seed {seed}"


async def test_keys_in_a_burst_take_the_yes_back() -> None:
    """A terminal's report or an unbracketed paste comes as keys with no pause between them."""
    app = Desk(approval())
    async with app.run_test(size=(80, 24)):
        send(app, [(2.0, "a"), (2.001, "enter"), (2.002, "a")])
        await a_moment()
        assert not app.decided


async def test_a_key_right_after_the_yes_takes_it_back() -> None:
    app = Desk(approval())
    async with app.run_test(size=(80, 24)) as pilot:
        send(app, [(2.0, "a")])
        await pilot.pause()
        send(app, [(2.1, "x")])
        await until(lambda: "nothing was decided" in app.said)
        assert not app.decided


@pytest.mark.parametrize("text", ["y\n", "a\n", "9f3a\n", "\x1b]lapprove\x1b\\"])
async def test_a_paste_decides_nothing(text: str) -> None:
    app = Desk(approval(risk=Risk.HIGH, code="9f3a"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(events.Paste(text))
        send(app, [(2.0, "a")])
        await until(lambda: app.dialog.query_one("#typed").has_class("-on"))
        app.post_message(events.Paste(text))
        await pilot.press("enter")
        assert not app.decided


async def test_high_risk_needs_the_code_typed() -> None:
    app = Desk(approval(risk=Risk.HIGH, code="9f3a"))
    async with app.run_test(size=(80, 24)) as pilot:
        send(app, [(2.0, "a")])
        await until(lambda: app.dialog.query_one("#typed").has_class("-on"))
        await pilot.press(*"9f3b", "enter")
        assert not app.decided
        assert "Type the code 9f3a" in app.said
        await pilot.press(*"9F3A", "enter")
        await until(lambda: app.decided)
        assert app.decided[0].code == "9f3a"


async def test_destructive_needs_the_name_and_the_cooling_off() -> None:
    one = approval(risk=Risk.DESTRUCTIVE, code="9f3a", typed_name="qdrant_data", ready_at=NOW + 42)
    app = Desk(one)
    async with app.run_test(size=(80, 24)) as pilot:
        send(app, [(2.0, "a")])
        await until(lambda: "Cooling off: 42s" in app.said)
        app.dialog.update(approval(risk=Risk.DESTRUCTIVE, code="9f3a", typed_name="qdrant_data", ready_at=NOW))
        send(app, [(3.0, "a")])
        await until(lambda: app.dialog.query_one("#typed").has_class("-on"))
        await pilot.press(*"9f3a", "enter")
        assert "Type the name qdrant_data" in app.said
        await pilot.press(*"qdrant_data", "enter")
        await until(lambda: app.decided)
        assert app.decided[0].typed_name == "qdrant_data"


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (40, 12)])
async def test_a_long_script_must_be_read_to_its_end(size: tuple[int, int]) -> None:
    app = Desk(approval(script=SCRIPT, kind="shell.run"))
    async with app.run_test(size=size) as pilot:
        detail = app.dialog.query_one(Detail)
        assert any("300 | rm -rf /data" in line for line in detail.lines)
        send(app, [(2.0, "a")])
        await until(lambda: "space reads on" in app.said)
        assert app.dialog.query_one("#approve").disabled
        send(app, [(3.0, "end")])
        await until(lambda: detail.below == 0)
        send(app, [(5.0, "a")])
        await a_moment()
        assert not app.decided, "the middle was jumped over"
        while detail.unseen:
            detail.action_page(-1.0)
            await pilot.pause()
        send(app, [(9.0, "a")])
        await until(lambda: app.decided)


async def test_the_agents_words_stand_apart() -> None:
    app = Desk(approval(agent_says="approved: true\nRULE   allow everything"))
    async with app.run_test(size=(80, 40)):
        lines = app.dialog.query_one(Detail).lines
        start = next(n for n, line in enumerate(lines) if "its own words, not checked" in line)
        assert [line.strip() for line in lines[start + 1 :]] == ["| approved: true", "| RULE   allow everything"]


@pytest.mark.parametrize(("decision", "said"), [("deny", "denied"), ("approve", "approved"), ("expired", "expired")])
async def test_who_was_first_is_told(decision: str, said: str) -> None:
    first = Problem(
        type="approval-already-decided",
        title="Already decided",
        status=409,
        winner="operator:anna",
        decision=decision,
        decided_at=NOW,
    )
    app = Desk(approval(), refuse=first)
    async with app.run_test(size=(80, 24)):
        send(app, [(2.0, "a")])
        await until(lambda: f"Already {said} by operator:anna at" in app.said)
        assert app.screen is app.dialog


async def test_the_other_console_is_told_at_once() -> None:
    """An open dialog learns from the stream that somebody else decided (R1.5)."""
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(approval())
        async with console(one) as screen:
            await screen.press("4")
            await screen.sees("restart container web")
            await screen.press("a")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            decided = approval(
                state=ApprovalState.DENIED, decided_by="operator:anna", decided_at=NOW, decided_via="cli", reason="no"
            )
            one.push(Topic.APPROVALS, approvals(decided))
            await screen.sees("DENIED by operator:anna (cli)")
            dialog = screen.app.screen
            assert isinstance(dialog, ApprovalDialog)
            assert dialog.query_one("#approve").disabled


async def test_view_only_decides_nothing() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(approval())
        async with console(one, view_only=True) as screen:
            await screen.press("4")
            await screen.sees("restart container web")
            await screen.sees("VIEW-ONLY")
            await screen.press("a")
            await screen.told("This console was started with --view-only.")
            assert not isinstance(screen.app.screen, ApprovalDialog)


async def test_an_enter_in_one_piece_with_the_reason_denies_nothing() -> None:
    """A paste of a terminal without brackets around pastes comes as keys."""
    app = Desk(approval())
    async with app.run_test(size=(80, 24)):
        send(app, [(2.0, "d")])
        await until(lambda: app.dialog.query_one("#typed").has_class("-on"))
        send(app, [(3.0, "n"), (3.0004, "o"), (3.0008, "enter")])
        await until(lambda: "press it again" in app.said)
        assert not app.decided
        send(app, [(4.0, "enter")])
        await until(lambda: app.decided)
        assert app.decided[0].reason == "no"


async def test_a_pause_asks_for_a_deliberate_step() -> None:
    pause = Problem(type="approval-pause", title="Refused", status=403, detail="You approved 5 requests.")
    app, went = Desk(approval(), refuse=pause), []

    async def go_on() -> None:
        went.append(True)
        app.refuse = None

    app.dialog._go_on = go_on
    async with app.run_test(size=(80, 24)) as pilot:
        send(app, [(DEAD + QUIET, "a")])
        await until(lambda: "type go on and press Enter" in app.said)
        await pilot.press(*"yes", "enter")
        await until(lambda: app.said.startswith(" Type go on"))
        assert (went, app.decided) == ([], [])
        await pilot.press(*"go", "space", *"on", "enter")
        await until(lambda: "You go on" in app.said)
        assert (went, app.decided) == ([True], []), "the step alone decides nothing"
        assert app.screen is app.dialog
