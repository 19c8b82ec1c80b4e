"""Pictures of the gate's dialogs at both sizes; ``make shots`` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.console.stage import NOW
from tests.console.world import approval
from textual.app import App

from aistack_backend.wire.actions import Approval, DecideRequest, Fact, Risk
from aistack_console.widgets.approval_dialog import ApprovalDialog

LOOP = json.dumps(
    {
        "agent": "rules",
        "checks": ["tests/test_sums.py"],
        "command": "",
        "goal": "make the tests of sums pass",
        "image": "",
        "limits": {"passes": 10, "seconds": 3600},
        "proof": "python3 -m unittest",
        "source": "/home/me/sums",
    },
    separators=(",", ":"),
)
DIALOGS: dict[str, Callable[[], Approval]] = {
    "loop": lambda: approval(
        kind="loop.run",
        title="loop in a sandbox: make the tests of sums pass",
        risk=Risk.HIGH,
        code="9f3a",
        argv=("python3", "/loop/fixer.py"),
        script=LOOP,
        targets=(),
        requester="operator:me",
    ),
    "two-people": lambda: approval(
        kind="stack.down",
        title="stop and remove 5 services",
        risk=Risk.HIGH,
        code="9f3a",
        people=2,
        first_by="operator:anna/root",
        first_at=NOW - 12,
        rule="ask: two people",
    ),
    "facts": lambda: approval(
        kind="container.stop",
        title="stop container local-ai-qdrant",
        facts=(
            Fact(
                name="blast radius",
                text="2 that run now need it: aidb ok, open-webui ok; stopped or not measured: hybrid",
                source="the stack's file and its health ladder",
                at=NOW - 4,
            ),
            Fact(name="backup", text="none holds the data of qdrant: take one first", source="the shelf", at=NOW - 4),
            Fact(name="dry run", text="none: this kind of action has none"),
            Fact(name="retry", text="#3 was denied (no). Changed since:\ntargets:\n-web\n+qdrant", source="approval 3"),
        ),
    ),
    "paused": lambda: approval(
        paused="Task 41 and what it started asked more than 5 times within a minute: it is paused."
    ),
}


class Desk(App[None]):
    """Holds one dialog."""

    def __init__(self, one: Approval) -> None:
        super().__init__()
        self.one = one

    def on_mount(self) -> None:
        self.push_screen(ApprovalDialog(self.one, self._submit, now=lambda: NOW))

    async def _submit(self, request: DecideRequest) -> None:
        raise AssertionError("nothing is decided for a picture")


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize("name", DIALOGS)
def test_dialog(snap_compare: Any, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(Desk(DIALOGS[name]()), terminal_size=size)
