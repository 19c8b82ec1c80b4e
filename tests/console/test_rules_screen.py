"""Rules on the screen and as a verb: rehearsed before they are made, listed, revoked; never made by a stray key."""

from __future__ import annotations

from typing import Any

from tests.console.stage import NOW, until
from tests.console.world import approval, approvals, console, stage

from aistack_backend.wire.events import Topic
from aistack_backend.wire.rules import Passed, Rehearsal, Rule, RuleList
from aistack_console.present.rules import ends, rehearsal
from aistack_console.widgets.question import Question
from aistack_console.widgets.rules_dialog import RulesDialog

MAKE, REVOKE = "POST /v1/rules", "POST /v1/rules/3/revoke"


def rule(number: int = 3, **more: Any) -> Rule:
    fields: dict[str, Any] = {
        "approval_id": 1,
        "kind": "shell.run",
        "pattern": "journalctl -n *",
        "requester": "agent:a",
    }
    times = {"made_at": NOW - 60, "made_by": "operator:anna", "ends_at": NOW + 3540, "task_id": 41, "used": 2}
    return Rule(id=number, **{**fields, **times, **more})


FOUND = Rehearsal(
    words="allow shell.run journalctl -n 20 in task 41 for 3600 s",
    tried=211,
    passed=(Passed(approval_id=7, task_id=41, title="run [/x]", state="denied"),),
    rehearsed="abc",
)


def text(paras: Any) -> str:
    return "\n".join("".join(c if isinstance(c, str) else c[0] for c in one.cells) for one in paras)


def test_a_rehearsal_says_how_many_would_have_passed_and_warns_of_denied_ones() -> None:
    said = text(rehearsal(FOUND))
    assert "let through 1 of the newest 211 requests" in said
    assert "1 of them was denied by somebody" in said
    assert "#7 run [/x]   task 41, denied" in said
    never = Rehearsal(words="w", tried=0, never="the policy decides before it.", rehearsed="x")
    assert "could never match: the policy decides" in text(rehearsal(never))


def test_when_a_rule_ends() -> None:
    assert ends(rule(), NOW) == "in 59m"
    assert ends(rule(ended="revoked by operator:anna"), NOW) == "revoked by operator:anna"
    assert ends(rule(never="task 41 has ended."), NOW) == "NEVER MATCHES: task 41 has ended."


async def test_a_rule_is_made_only_after_its_rehearsal_was_answered_with_yes() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(approval())
        one.answers |= {"POST /v1/rules/rehearse": FOUND, MAKE: rule()}
        async with console(one) as screen:
            await screen.press("4")
            await screen.sees("restart container web")
            await screen.press("A")
            await until(lambda: isinstance(screen.app.screen, Question))
            await screen.sees("1 of the newest 211")
            await screen.press("y")
            assert isinstance(screen.app.screen, Question), "a key of the first second makes nothing"
            await screen.press("escape")
            await until(lambda: not isinstance(screen.app.screen, Question))
            assert MAKE not in [asked for asked, _ in one.asked]
            await screen.press("A")
            await until(lambda: isinstance(screen.app.screen, Question))
            screen.app.screen.action_answer(True)
            await screen.told("Rule 3 allows shell.run journalctl -n *")
            sent = next(body for asked, body in one.asked if asked == MAKE)
            assert (sent["rehearsed"], sent["any_task"], sent["action_hash"]) == ("abc", False, "9f3a" * 16)


async def test_rules_are_listed_and_one_is_revoked() -> None:
    async with stage() as one:
        one.topics[Topic.APPROVALS] = approvals(approval())
        one.answers |= {
            "GET /v1/rules": RuleList(rules=(rule(), rule(2, ended="its time is over"))),
            REVOKE: rule(ended="revoked by operator:me"),
        }
        async with console(one, size=(160, 45)) as screen:
            await screen.press("4", "R")
            await until(lambda: isinstance(screen.app.screen, RulesDialog))
            await screen.sees("RULES  1 hold")
            await screen.sees("journalctl -n *")
            await screen.sees("its time is over")
            await screen.press("X")
            await screen.told("Rule 3 is revoked by operator:me")
            assert REVOKE in [asked for asked, _ in one.asked]
