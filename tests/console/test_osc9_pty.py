"""In a real terminal: a notification is shown when it is wanted, with our own words and nothing of the asker's."""

from __future__ import annotations

import re

import pytest
from tests.console.stage import NOW
from tests.console.test_hostile_pty import running_stage, start
from tests.console.world import approval, approvals

from aistack_backend.wire.events import Topic

SEQUENCE = re.compile(rb"\x1b\](\d+);([^\x07\x1b]*)(?:\x07|\x1b\\)")
HOSTILE = "\x1b]9;owned\x07 \x1b]0;title\x07"


OURS = b"aistack: approval 12 (medium) waits"


@pytest.mark.parametrize(
    ("env", "bell", "shown"),
    [
        ({"AISTACK_NOTIFY_OSC9": "true"}, True, [OURS]),
        ({"AISTACK_NOTIFY_OSC9": "true", "AISTACK_NOTIFY_BELL": "false"}, False, [OURS]),
        ({}, True, []),
        ({"AISTACK_NOTIFY_BELL": "false"}, False, []),
    ],
    ids=["both", "osc9", "bell", "neither"],
)  # fmt: skip
def test_only_our_own_sentence_is_shown(env: dict[str, str], bell: bool, shown: list[bytes]) -> None:
    with running_stage() as (on, run), start(on, (80, 24), **env) as terminal:
        run(lambda: on.push(Topic.APPROVALS, approvals()))
        terminal.wait_for("Over")
        terminal.settle()
        one = approval(12, title=HOSTILE, requester=HOSTILE, kind=HOSTILE, agent_says=HOSTILE, created_at=NOW)
        run(lambda: on.push(Topic.APPROVALS, approvals(one)))
        terminal.wait_for("Approval 12 waits")
        terminal.settle()
        raw = bytes(terminal.raw)
        found = [words for number, words in SEQUENCE.findall(raw) if number == b"9"]
        assert found == shown
        assert b"owned" not in b"".join(found)
        alone = re.sub(SEQUENCE, b"", raw).count(b"\x07")
        assert (alone > 0) is bell


def test_inside_tmux_it_is_handed_through() -> None:
    with running_stage() as (on, run), start(on, (80, 24), AISTACK_NOTIFY_OSC9="true", TMUX="/tmp/x,1,0") as terminal:
        run(lambda: on.push(Topic.APPROVALS, approvals()))
        terminal.wait_for("Over")
        terminal.settle()
        run(lambda: on.push(Topic.APPROVALS, approvals(approval(12))))
        terminal.wait_for("Approval 12 waits")
        terminal.settle()
        assert b"\x1bPtmux;\x1b\x1b]9;aistack: approval 12 (medium) waits\x07\x1b\\" in bytes(terminal.raw)
