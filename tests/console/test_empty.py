"""A pane that has nothing to show says why, and what will stand there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.stage import NOW, source
from tests.console.world import FLEET, console, fleet, stage

from aistack_backend.wire.actions import ApprovalList
from aistack_backend.wire.events import Topic
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.tasks import TaskList
from aistack_console.present import empty
from aistack_console.present.services import View


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("2", "Podman answers and has no containers."),
        ("4", "Nothing waits for a decision."),
        ("5", "Nothing has been asked of the stack yet."),
        ("6", "Ask the local model, or give the stack a goal."),
        ("0", "No record has come yet."),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_every_empty_screen_says_why(key: str, sentence: str, size: tuple[int, int]) -> None:
    async with stage() as one:
        one.topics |= {Topic.APPROVALS: ApprovalList(), Topic.TASKS: TaskList()}
        one.topics[Topic.AUDIT] = one.answers["GET /v1/audit"]
        async with console(one, size=size) as screen:
            await screen.press(key)
            await screen.sees(sentence)


async def test_a_podman_that_is_away_is_told_whole() -> None:
    async with stage() as one:
        away = source(state=SourceState.ABSENT, tried="/run/p.sock", detail="No socket.", hint="Start podman.socket")
        one.topics[Topic.FLEET] = replace(fleet(source=replace(away, last_ok=None)), at=None)
        async with console(one) as screen:
            await screen.press("2")
            assert "OK 0" not in screen.text, "what was never listed has no number"
            await screen.sees("podman absent")
            for words in ("podman is absent: it has never answered.", "/run/p.sock", "fix       Start podman.socket"):
                await screen.sees(words)


def test_a_filter_that_hides_everything_is_named() -> None:
    assert "the filter zz (esc clears it)" in str(empty.services(FLEET, View(text="zz"), NOW))
    assert "by A, which hides stopped ones" in str(empty.services(FLEET, View(hide_stopped=True), NOW))
    assert "No record contains zz." in str(empty.audit("zz"))


def test_without_the_gate_the_words_say_so() -> None:
    assert "destructive risk" in str(empty.approvals(None))
