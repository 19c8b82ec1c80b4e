"""Being called: J goes round what needs a person, and a new approval rings once."""

from __future__ import annotations

from typing import Any

from tests.console.stage import NOW, until
from tests.console.world import Screen, approval, approvals, console, container, fleet, stage

from aistack_backend.wire.actions import ApprovalState
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present.overview import following, needs, place_of

BAD = fleet(container("aa"), container("web", ContainerState.EXITED, exit_code=3))


def task(number: int, state: TaskState, age: float = 0.0) -> Task:
    return Task(id=number, goal="g", requester="a", state=state, created_at=NOW - age, updated_at=NOW - age)


def test_a_failure_is_news_for_a_while_and_doubt_for_ever() -> None:
    found = TaskList(tasks=(task(1, TaskState.FAILED), task(2, TaskState.FAILED, 901), task(3, TaskState.UNSURE, 9999)))
    assert [row.key for row in needs(None, found, None, down=None, now=NOW)] == ["task:1", "task:3"]


def test_the_next_one_goes_round() -> None:
    rows = needs(approvals(approval(1), approval(2)), None, BAD, down=None, now=NOW)
    keys = [row.key for row in rows]
    assert following(rows, "") == keys[0]
    assert [following(rows, key) for key in keys] == [*keys[1:], keys[0]]
    assert place_of(keys[0]) == ("approvals", "show 1")
    assert place_of("task:3") == ("tasks", "task 3")
    assert place_of(keys[-1]) == ("services", BAD.containers[1].id)


async def test_j_visits_each_need_in_turn() -> None:
    async with stage() as one:
        one.topics |= {
            Topic.FLEET: BAD,
            Topic.APPROVALS: approvals(approval(1), approval(2)),
            Topic.TASKS: TaskList(tasks=(task(9, TaskState.DONE), task(5, TaskState.UNSURE))),
        }
        async with console(one) as screen:
            await screen.sees("NEEDS YOU 4")
            for place, chosen in (
                ("approvals", 1),
                ("approvals", 2),
                ("tasks", 5),
                ("services", BAD.containers[1].id),
                ("approvals", 1),
            ):
                await screen.press("J")
                await until(lambda at=place: screen.app.current_mode == at)  # type: ignore[misc]
                await until(lambda it=chosen: getattr(getattr(screen.app.screen, "chosen", None), "id", None) == it)  # type: ignore[misc]


def bells(screen: Screen) -> list[int]:
    rung: list[int] = []
    screen.app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
    return rung


async def told_of(screen: Screen, words: str) -> None:
    await until(lambda: any(words in note.message for note in screen.app._notifications))


async def test_a_new_approval_rings_once() -> None:
    async with stage() as one:
        first: Any = approval(1)
        one.topics[Topic.APPROVALS] = approvals(first)
        async with console(one) as screen:
            rung = bells(screen)
            await until(lambda: screen.app.store.approvals is not None)
            used = approval(2, state=ApprovalState.USED)
            one.push(Topic.APPROVALS, approvals(first, approval(2)))  # an own action: decided at once
            one.push(Topic.APPROVALS, approvals(first, used))
            one.push(Topic.APPROVALS, approvals(first, used, approval(3, title="stop container db")))
            await told_of(screen, "Approval 3 waits: stop container db. J goes there.")
            assert rung == [1]
            assert not any("Approval 1" in note.message for note in screen.app._notifications)
