"""The command log and undo: each call as a shell line that the real parser takes, what became of it, its other way."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from tests.console import scenes
from tests.console.stage import NOW, Stage, until
from tests.console.world import FLEET, Screen, approval, approvals, console, stage

from aistack_backend.wire.actions import ActionRequest, ApprovalState, DecideRequest, GoalRequest, Verdict
from aistack_backend.wire.events import Topic
from aistack_backend.wire.loops import GuideRequest
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.rules import Rule, RuleRequest
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console import cli
from aistack_console.client.asked import Asked
from aistack_console.present.asked import INVERSE, Undo, became, line, rows, undo
from aistack_console.widgets.approval_dialog import ApprovalDialog
from aistack_console.widgets.confirm import Confirm
from aistack_console.widgets.detail import Detail

ACT = "/v1/tasks/action"


def task(state: TaskState = TaskState.DONE, number: int = 9) -> Task:
    return Task(id=number, goal="g", requester="me", state=state, created_at=NOW, updated_at=NOW)


def call(path: str = ACT, request: object = None, **more: Any) -> Asked:
    fields: dict[str, Any] = {"at": NOW, "method": "POST", "took": 0.1, "answer": task()}
    return Asked(path=path, request=request, **fields | more)


def act(kind: str, target: str = "web", **more: Any) -> Asked:
    return call(ACT, ActionRequest(kind=kind, target=target), **more)


LINES = [
    (act("container.stop"), "run 'stop web'"),
    (act("stack.up", "minimal"), "up minimal"),
    (act("stack.down", "a b"), "down a b"),
    (act("stack.backup", ""), "backup"),
    (act("service.hold"), "hold web"),
    (act("stack.restore", "latest"), "restore latest"),
    (call("/v1/tasks/goal", GoalRequest(text="restart web; it's slow")), """run 'restart web; it'"'"'s slow'"""),
    (
        call("/v1/approvals/4/decision", DecideRequest(verdict=Verdict.APPROVE, action_hash="x", code="9f3a")),
        "approve 4 --code 9f3a",
    ),
    (
        call("/v1/approvals/4/decision", DecideRequest(verdict=Verdict.DENY, action_hash="x", reason="not now")),
        "deny 4 --reason 'not now'",
    ),
    (call("/v1/rules", RuleRequest(approval_id=4, action_hash="x")), "rules allow 4"),
    (call("/v1/rules/3/revoke"), "rules revoke 3"),
    (call("/v1/tasks/7/stop"), "stop 7"),
    (call("/v1/tasks/7/pause"), "pause 7"),
    (call("/v1/loops/7/guidance", GuideRequest(text="use min", now=True)), "loop guide 7 'use min' --now"),
]


@pytest.mark.parametrize(("one", "said"), LINES, ids=[said for _, said in LINES])
def test_the_line_does_the_same_from_a_shell(one: Asked, said: str) -> None:
    assert line(one) == f"aistack-console {said}"
    cli.parser().parse_args(shlex.split(line(one))[1:])


def test_what_no_verb_does_is_told_by_its_route() -> None:
    one = act("shell.run")
    assert line(one) == ""
    assert rows([one], None)[0].cells[-1] == f"POST {ACT} shell.run"


def test_what_became_of_it_is_the_task_as_it_is_now() -> None:
    one = act("container.stop", answer=task(TaskState.QUEUED))
    assert became(one, None) == ("QUEUED task 9", "accent")
    assert became(one, TaskList(tasks=(task(TaskState.FAILED),))) == ("FAILED task 9", "bad")
    assert became(act("container.stop", problem="No."), None) == ("refused or failed", "bad")
    assert became(act("container.stop", took=None), None) == ("no answer yet", "warn")


@pytest.mark.parametrize("kind", sorted(INVERSE))
def test_the_other_way_is_asked_as_a_new_request(kind: str) -> None:
    found = undo([act(kind)], None)
    assert found.request is not None
    assert (found.request.kind, found.request.target, found.why_not) == (INVERSE[kind], "web", "")
    assert found.request.confirmed_hash == "", "the gate judges it anew"


RULE = Rule(
    id=3, approval_id=1, kind="shell.run", pattern="ls", requester="a", made_at=NOW, made_by="me", ends_at=NOW + 9
)
YES = DecideRequest(verdict=Verdict.APPROVE, action_hash="x")


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([], "changed nothing yet"),
        ([act("container.stop", problem="It does not run.")], "was not done"),
        ([act("container.stop", answer=task(TaskState.RUNNING))], "It is running"),
        ([act("container.stop", answer=task(TaskState.DENIED))], "It ended as denied"),
        ([act("container.restart")], "Nothing undoes this (run 'restart web')"),
        ([act("container.remove")], "Nothing undoes this"),
        ([call("/v1/approvals/4/decision", YES, answer=approval(4, state=ApprovalState.APPROVED))], "is final"),
        ([call("/v1/approvals/4/decision", YES, answer=approval(4))], "Deny it to take it back"),
        ([call("/v1/rules", RuleRequest(approval_id=1, action_hash="x"), answer=RULE)], Undo(rule=3)),
        ([call("/v1/tasks/9/pause", answer=task(TaskState.PAUSED))], Undo(resume=9)),
        ([call("/v1/tasks/9/resume", answer=task(TaskState.RUNNING))], Undo(pause=9)),
    ],
)
def test_what_has_no_other_way_says_so_in_one_sentence(calls: list[Asked], found: str | Undo) -> None:
    told = undo(calls, None)
    if isinstance(found, Undo):
        assert told == found
    else:
        assert found in told.why_not
        assert told.why_not.endswith((".", "help."))


def shown(screen: Screen) -> str:
    return "\n".join(line for detail in screen.app.screen.query(Detail) for line in detail.lines)


async def stopped(one: Stage, screen: Screen) -> None:
    """Have the console stop a container, as a confirmed dialog would."""
    await until(lambda: screen.app.store.fleet is not None)
    await screen.app.client.act(ActionRequest(kind="container.stop", target="aidb", confirmed_hash="x"))
    one.push(Topic.TASKS, TaskList(tasks=(task(),)))
    await until(lambda: screen.app.store.tasks is not None)


async def test_at_shows_the_log_and_z_asks_for_the_other_way() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = FLEET
        one.answers["POST /v1/tasks/action"] = task()
        one.answers["POST /v1/actions/preview"] = approval(0, title="start container aidb", kind="container.start")
        async with console(one, size=(100, 30)) as screen:
            await screen.press("@")
            await screen.sees("asked for no change yet")
            await stopped(one, screen)
            await screen.sees("aistack-console run 'stop aidb'")
            await until(lambda: "DONE task 9" in shown(screen))
            await screen.press("z")
            await until(lambda: isinstance(screen.app.screen, ApprovalDialog))
            await screen.sees("To undo: run 'stop aidb'")
            sent = [body for asked, body in one.asked if asked == "POST /v1/actions/preview"]
            assert (sent[-1]["kind"], sent[-1]["target"]) == ("container.start", "aidb")
            assert [asked for asked, _ in one.asked].count("POST /v1/tasks/action") == 1, "nothing is undone unasked"
            await screen.press("escape")
            await until(lambda: not isinstance(screen.app.screen, ApprovalDialog))


async def test_z_says_why_there_is_nothing_to_undo() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(approval())
        one.answers["POST /v1/tasks/action"] = Problem(type="refused", title="Refused", status=403, detail="No.")
        async with console(one, size=(100, 30)) as screen:
            await screen.press("z")
            await screen.told("This console has changed nothing yet.")
            with pytest.raises(Exception, match="No"):
                await screen.app.client.act(ActionRequest(kind="container.stop", target="aidb"))
            await screen.press("z")
            await screen.told("was not done (run 'stop aidb')")


async def test_a_rule_is_revoked_after_one_question() -> None:
    async with stage() as one:
        scenes.normal(one)
        one.answers["POST /v1/rules"] = RULE
        one.answers["POST /v1/rules/3/revoke"] = RULE
        async with console(one, size=(100, 30)) as screen:
            await until(lambda: screen.app.store.approvals is not None)
            await screen.app.client.make_rule(RuleRequest(approval_id=1, action_hash="x", rehearsed="y"))
            await screen.press("4")
            await screen.press("z")
            await until(lambda: isinstance(screen.app.screen, Confirm))
            await screen.sees("Revoke rule 3?")
            assert not any(asked == "POST /v1/rules/3/revoke" for asked, _ in one.asked)
            screen.app.screen.action_answer(True)  # type: ignore[attr-defined]
            await until(lambda: isinstance(screen.app.screen, Confirm) is False or _yes(screen))
            await until(lambda: any(asked == "POST /v1/rules/3/revoke" for asked, _ in one.asked))


def _yes(screen: Screen) -> bool:
    """Say yes again until the question's first second, in which no key counts, is over."""
    if isinstance(screen.app.screen, Confirm):
        screen.app.screen.action_answer(True)
    return False


async def test_view_only_undoes_nothing() -> None:
    async with stage() as one, console(one, size=(100, 30), view_only=True) as screen:
        await screen.press("z")
        await screen.told("started with --view-only")
