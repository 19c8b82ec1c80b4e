"""One verb on several marked containers: one dialog, every action whole, one result each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.stage import NOW, Stage, until
from tests.console.world import FLEET, Screen, approval, console, container, fleet, stage

from aistack_backend.wire.actions import Approval, Risk, Target
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present.batch import alone, combined, evidence_of_all
from aistack_console.present.services import own_action
from aistack_console.widgets.approval_dialog import ApprovalDialog

TASK = Task(id=7, goal="restart container aidb", requester="operator:me", state=TaskState.QUEUED, created_at=NOW,
            updated_at=NOW, action_title="restart container aidb")  # fmt: skip


def previews(*risks: Risk) -> list[Approval]:
    return [
        approval(
            0,
            title=f"restart container c{n}",
            risk=risk,
            code="abcd" if risk is Risk.HIGH else "",
            action_hash=f"{n}" * 64,
            targets=(Target(type="container", id=f"{n}" * 64, name=f"c{n}"),),
        )
        for n, risk in enumerate(risks)
    ]


def test_the_combined_question_is_bound_to_exactly_this_set() -> None:
    one, other = combined(previews(Risk.LOW, Risk.HIGH)), combined(previews(Risk.LOW, Risk.HIGH, Risk.LOW))
    assert one.title == "restart 2 containers"
    assert one.risk is Risk.HIGH
    assert one.code == one.action_hash[:4]
    assert one.action_hash != other.action_hash
    assert combined(previews(Risk.LOW, Risk.MEDIUM)).code == ""
    assert combined(previews(Risk.HIGH, Risk.UNKNOWN)).risk is Risk.UNKNOWN


def test_every_action_is_shown_whole() -> None:
    text = str(evidence_of_all(previews(Risk.LOW, Risk.LOW, Risk.LOW), NOW))
    for n in range(3):
        assert str(n) * 64 in text
        assert f"{n + 1} of 3" in text
    assert "c0, c1, c2" in text


def test_what_wants_its_name_typed_is_asked_alone() -> None:
    assert alone(approval(typed_name="db"), NOW)
    assert alone(approval(ready_at=NOW + 1), NOW)
    assert not alone(approval(code="9f3a"), NOW)


def acts(one: Stage) -> list[dict[str, object]]:
    return [body for asked, body in one.asked if asked == "POST /v1/tasks/action"]


async def ready(screen: Screen) -> ApprovalDialog:
    await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
    dialog = screen.app.screen
    assert isinstance(dialog, ApprovalDialog)
    dialog.guard.armed = dialog.guard.quiet = True
    return dialog


@pytest.mark.parametrize("code", ["", "9f3a"])
async def test_one_dialog_for_all_that_are_marked(code: str) -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.answers["POST /v1/actions/preview"] = approval(0, code=code)
        one.answers["POST /v1/tasks/action"] = TASK
        async with console(one, size=(120, 60)) as screen:
            await screen.press("2")
            await screen.sees("sorted by name")
            await screen.press("g", "space", "G", "space", "r")
            dialog = await ready(screen)
            await screen.sees("restart 2 containers")
            dialog.action_yes()
            if code:
                await screen.press(*dialog.approval.code, "enter")
            await until(lambda: len(acts(one)) == 2)
            assert {str(body["target"]) for body in acts(one)} == {
                FLEET.containers[0].id,
                FLEET.containers[-1].id,
            }
            assert all((body["code"], body["confirmed_hash"]) == (code, "9f3a" * 16) for body in acts(one))
            await screen.told("restart container aidb: queued (task 7)\nrestart container aidb: queued (task 7)")
            await screen.press("r")
            await screen.sees("your own action")
            assert "2 containers" not in screen.text, "the marks are gone"


async def test_a_mark_decides_what_a_verb_is_for() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.answers["POST /v1/actions/preview"] = approval(0)
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("sorted by name")
            await screen.press("G", "space", "g", "S")
            await ready(screen)
            assert next(body["target"] for asked, body in one.asked if "preview" in asked) == FLEET.containers[-1].id


async def test_the_row_says_where_the_own_action_stands() -> None:
    async with stage() as one:
        one.topics |= {Topic.FLEET: FLEET, Topic.TASKS: TaskList(tasks=(TASK,))}
        one.answers["POST /v1/actions/preview"] = approval(0)
        one.answers["POST /v1/tasks/action"] = TASK
        async with console(one, size=(120, 40)) as screen:
            await screen.press("2")
            await screen.sees("sorted by name")
            await screen.press("r")
            (await ready(screen)).action_yes()
            await screen.sees("task 7 queued")
            failed = replace(TASK, state=TaskState.FAILED, reason="Podman said no.")
            one.push(Topic.TASKS, TaskList(tasks=(failed,)))
            await screen.told("Task 7 restart container aidb: failed. Podman said no.")
            await until(lambda: "task 7 queued" not in screen.text)


def test_an_ended_action_leaves_the_measured_reason() -> None:
    assert own_action(replace(TASK, state=TaskState.DONE)) is None
    assert own_action(TASK) == ("task 7 queued: restart container aidb", "accent")


async def test_an_action_that_fits_none_of_the_marked_is_off() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = fleet(container("a"), container("b", ContainerState.EXITED, exit_code=0))
        async with console(one) as screen:
            await screen.press("2")
            await screen.sees("sorted by name")
            await screen.press("g", "space", "S")
            await screen.told("a runs already.")
            assert not any("preview" in asked for asked, _ in one.asked)


async def test_logs_of_all_that_are_marked_and_a_list_that_is_remembered() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        async with console(one, size=(120, 40)) as screen:
            await screen.press("2")
            await screen.sees("sorted by name")
            await screen.press("o", "A", "g", "space", "G", "space", "l")
            await until(lambda: screen.app.current_mode == "logs")
            await screen.sees("(2 of 5)")
            await screen.press("2")
            await screen.sees("sorted by state   stopped hidden")
