"""Editing a command: what was typed is what is sent, nothing else can be edited, nothing is decided by it (R1.8)."""

from __future__ import annotations

import json

import pytest
from tests.console.stage import NOW, until
from tests.console.world import approval, approvals, console, stage
from textual.widgets import TextArea

from aistack_backend.wire.base import Raw
from aistack_backend.wire.events import Topic
from aistack_backend.wire.problems import Problem
from aistack_console.present.approvals import uneditable
from aistack_console.widgets.approval_dialog import ApprovalDialog
from aistack_console.widgets.edit_dialog import EditDialog

SHELL = approval(
    kind="shell.run", title="run in a sandbox: ls", script="ls\n", payload=Raw(json.dumps({"script": "ls\n"}))
)
EDIT = "POST /v1/approvals/1/edit"


async def test_the_edited_text_is_sent_and_opens_the_dialog_of_the_new_request() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(SHELL)
        one.answers[EDIT] = approval(2, kind="shell.run", title="run in a sandbox, edited: pwd", script="pwd; ls\n")
        async with console(one) as screen:
            await screen.press("4")
            await screen.sees("run in a sandbox: ls")
            await screen.press("e")
            await until(lambda: isinstance(screen.app.screen, EditDialog))
            await screen.sees("judged anew")
            await screen.press(*"pwd; ", "ctrl+o")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            await screen.sees("run in a sandbox, edited: pwd")
            assert one.asked[-1] == (EDIT, {"action_hash": SHELL.action_hash, "script": "pwd; ls\n"})


async def test_leaving_sends_nothing_and_a_loser_learns_who_was_first() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(SHELL)
        one.answers[EDIT] = Problem(
            type="approval-already-decided",
            title="Already decided",
            status=409,
            winner="operator:anna",
            decision="approve",
            decided_at=NOW,
        )
        async with console(one) as screen:
            await screen.press("4")
            await screen.sees("run in a sandbox: ls")
            await screen.press("e", "x", "escape")
            await screen.told("stays as it is")
            assert EDIT not in [asked for asked, _ in one.asked]
            await screen.press("e", "x", "ctrl+o")
            await screen.told("Already approved by operator:anna")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"kind": "container.stop"}, "Only the text"),
        ({"payload": Raw("")}, "no record"),
        ({"payload": Raw("[]")}, "no record"),
        ({"payload": Raw(json.dumps({"script": "ls\x1b[2J"}))}, "cannot be drawn"),
        ({"script": "a\rb", "payload": Raw(json.dumps({"script": "a\rb"}))}, "cannot be drawn"),
    ],
)
def test_what_cannot_be_edited_on_the_screen(more: dict[str, object], why: str) -> None:
    fields = {"kind": "shell.run", "script": "ls\n", "payload": SHELL.payload}
    said = uneditable(approval(**{**fields, **more}))
    assert why in said if why else said == ""


async def test_a_text_area_gives_back_exactly_what_it_was_given() -> None:
    text = 'for f in *; do\n\techo "$f"  \ndone\n\n'
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(
            approval(kind="shell.run", script=text, payload=Raw(json.dumps({"script": text})))
        )
        async with console(one) as screen:
            await screen.press("4")
            await screen.sees("SCRIPT, 5 lines")
            await screen.press("e")
            await until(lambda: isinstance(screen.app.screen, EditDialog))
            assert screen.app.screen.query_one(TextArea).text == text
