"""How verbs print: aligned, harmless, and as JSON."""

from __future__ import annotations

import json

from aistack_backend.wire.actions import Approval, ApprovalState, Risk, Target
from aistack_backend.wire.base import Raw
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.verbs.approvals import whole
from aistack_console.verbs.context import columns, fields, to_json
from aistack_console.verbs.exits import Exit
from aistack_console.verbs.waiting import ended, proposed, verdict

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202ereversed\n[bold]x[/]"


def approval(**changes: object) -> Approval:
    """An approval that waits for a person."""
    base: dict[str, object] = {
        "id": 7,
        "task_id": 3,
        "state": ApprovalState.PENDING,
        "risk": Risk.HIGH,
        "kind": "shell.run",
        "title": "run a command",
        "created_at": 1.0,
        "expires_at": 2.0,
        "action_hash": "ab" * 32,
        "targets": (Target(type="container", id="f" * 64, name="web"),),
        "payload": Raw('{"kind":"shell.run"}'),
    }
    return Approval(**{**base, **changes})  # type: ignore[arg-type]


def task(state: TaskState) -> Task:
    """A task in some state."""
    return Task(id=1, goal="g", requester="r", state=state, created_at=0.0, updated_at=0.0)


def test_columns_are_aligned_by_cells_on_the_screen() -> None:
    assert columns(("A", "B"), [("日本", "x"), ("ab", "y")]).splitlines() == ["A     B", "日本  x", "ab    y"]


def test_nothing_printed_can_act_on_the_terminal() -> None:
    printed = columns(("A",), [(HOSTILE,)]) + fields([("n", HOSTILE)]) + whole(approval(title=HOSTILE, script=HOSTILE))
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\x07" not in printed


def test_a_line_break_in_a_name_makes_no_second_row() -> None:
    assert len(columns(("A",), [("one\ntwo",)]).splitlines()) == 2


def test_an_approval_is_printed_whole() -> None:
    script = "\n".join(f"step {number}" for number in range(200))
    printed = whole(approval(script=script, argv=("sh", "-c", "x y")))
    assert all(f"step {number}" in printed for number in range(200))
    assert "f" * 64 in printed
    assert '{"kind":"shell.run"}' in printed
    assert "ab" * 32 in printed


def test_json_is_the_wire_type() -> None:
    read = json.loads(to_json(approval()))
    assert read["state"] == "pending"
    assert read["payload"] == '{"kind":"shell.run"}'
    assert read["targets"][0]["name"] == "web"
    assert read["decided_at"] is None


def test_exhausted_and_unsure_are_not_done() -> None:
    assert verdict(task(TaskState.DONE)) is Exit.OK
    assert verdict(task(TaskState.EXHAUSTED)) is Exit.FAILED
    assert verdict(task(TaskState.UNSURE)) is Exit.FAILED
    assert verdict(task(TaskState.DENIED)) is Exit.NOT_ALLOWED
    assert verdict(task(TaskState.AWAITING)) is Exit.OK


def test_what_may_still_change_is_waited_for() -> None:
    assert not proposed(task(TaskState.PLANNING))
    assert proposed(task(TaskState.AWAITING))
    assert not ended(task(TaskState.RUNNING))
    assert ended(task(TaskState.FAILED))
