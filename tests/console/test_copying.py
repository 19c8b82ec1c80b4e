"""What ``y`` offers, and that nothing is copied that was not chosen."""

from __future__ import annotations

import pytest
from tests.console.stage import NOW, until
from tests.console.world import FLEET, approval, approvals, console, stage

from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.audit import AuditRecord, Phase
from aistack_backend.wire.base import Raw
from aistack_backend.wire.chat import Role
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskState
from aistack_console.present import approvals as queue
from aistack_console.present import audit, chat, tasks
from aistack_console.present import container as services
from aistack_console.present.growing import Growing
from aistack_console.widgets.copy_menu import CopyMenu


def test_a_containers_texts() -> None:
    found = dict(services.copies(FLEET.containers[0]))
    assert (found["name"], found["id"]) == ("aidb", FLEET.containers[0].id)
    assert found["logs"] == "podman logs --follow aidb"


def test_an_approvals_texts() -> None:
    found = dict(queue.copies(approval(argv=("podman", "run", "a b"), payload=Raw("{\x1b}"))))
    assert found["command"] == "podman run 'a b'"
    assert found["approve"] == "aistack-console approve 1"
    assert found["record"] == "{\x1b}", "as it is hashed"
    assert dict(queue.copies(approval(state=ApprovalState.DENIED)))["approve"] == ""


def test_the_record_is_drawn_without_a_raw_byte() -> None:
    text = str(queue.record(approval(payload=Raw('{"a":"\x1b[2J"}'))))
    assert "\x1b" not in text
    assert "\\x1b" not in text
    assert "sent no record" in str(queue.record(approval()))


def test_the_last_answer_its_code_and_the_question() -> None:
    you, model = Role.USER, Role.ASSISTANT
    text = "Do:\n```sh\nls\npwd\n```\nand\n```\nx\n```"
    found = chat.copies([(you, "old", ()), (model, "older", ()), (you, "how?", ()), (model, text, Growing(text).code)])
    assert found == (("answer", text), ("code 1", "ls\npwd"), ("code 2", "x"), ("question", "how?"))
    assert chat.copies([]) == ()


def test_lines_of_tasks_and_records_stand_alone() -> None:
    task = Task(id=3, goal="it's up", requester="a", state=TaskState.DONE, created_at=NOW, updated_at=NOW)
    assert dict(tasks.copies(task))["again"] == "aistack-console run 'it'\"'\"'s up'"
    record = AuditRecord(
        seq=9, at=NOW, phase=Phase.NOTE, actor="backend", kind="backend.start", prev="0", hash="f" * 64
    )
    assert "#9 2026-11-1" in dict(audit.copies(record))["line"]


@pytest.mark.parametrize(("key", "expected"), [("1", "aidb"), ("enter", "aidb"), ("2", FLEET.containers[0].id)])
async def test_one_key_copies_one_thing(key: str, expected: str) -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("sorted by name")
            await screen.press("g", "y")
            await until(lambda: isinstance(screen.app.screen, CopyMenu))
            await screen.press(key)
            await screen.told("sent to the terminal's clipboard")
            assert screen.app.clipboard == expected


async def test_leaving_the_menu_copies_nothing() -> None:
    async with stage() as one:
        one.topics |= {Topic.FLEET: FLEET, Topic.APPROVALS: approvals(approval())}
        async with console(one) as screen:
            await screen.press("4")
            await screen.sees("EVIDENCE #1")
            await screen.press("y")
            await until(lambda: isinstance(screen.app.screen, CopyMenu))
            await screen.press("9", "escape")
            await until(lambda: not isinstance(screen.app.screen, CopyMenu))
            assert screen.app.clipboard == ""
