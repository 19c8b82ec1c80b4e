"""Rules that name who asks: what acts by itself is let through by a rule that names it, and by nothing else."""

from __future__ import annotations

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.policy import AUTOMATIC, THRESHOLDS, Effect, Policy, Rule
from aistack_backend.errors import BadInput
from aistack_backend.wire.actions import Risk, Target

RULE = Rule(effect=Effect.ALLOW, kind="container.restart", target="db", requester="self-heal")
RISKS = (Risk.LOW, Risk.MEDIUM, Risk.HIGH, Risk.DESTRUCTIVE, Risk.UNKNOWN)


def action(requester: str = "self-heal", kind: str = "container.restart", *names: str) -> Action:
    targets = tuple(Target(type="container", id=name * 8, name=name) for name in names or ("db",))
    return Action(kind=kind, targets=targets, requester=requester)


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("risk", RISKS)
def test_only_up_to_medium_and_whatever_the_threshold(threshold: str, risk: Risk) -> None:
    policy = Policy(threshold, (RULE,))
    allowed = policy.judge(action(), risk).effect is Effect.ALLOW
    assert allowed == (risk in (Risk.LOW, Risk.MEDIUM))


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("requester", sorted(AUTOMATIC))
def test_without_a_rule_what_acts_by_itself_asks(threshold: str, requester: str) -> None:
    plain = Rule(effect=Effect.ALLOW, kind="container.restart", target="db")
    for policy in (Policy(threshold), Policy(threshold, (plain,))):
        assert policy.judge(action(requester), Risk.LOW).effect is Effect.ASK


@pytest.mark.parametrize("who", ["agent:planner", "operator:root", "", "*", "self-heal ", "self", "self-heal:gave-up"])
def test_agents_gain_nothing(who: str) -> None:
    assert Policy("low", (RULE,)).judge(action(who), Risk.LOW).effect is Effect.ASK


@pytest.mark.parametrize(
    "wrong", [action(kind="container.remove"), action("self-heal", "container.restart", "db", "b")]
)
def test_kind_and_every_target_must_match(wrong: Action) -> None:
    assert Policy("low", (RULE,)).judge(wrong, Risk.LOW).effect is Effect.ASK


def test_a_deny_rule_beats_it() -> None:
    deny = Rule(effect=Effect.DENY, kind="*", requester="self-heal")
    assert Policy(rules=(RULE, deny)).judge(action(), Risk.LOW).effect is Effect.DENY
    assert Policy(rules=(RULE, deny)).judge(action("operator:root"), Risk.LOW).effect is Effect.ALLOW


def test_adopted_rules_replace_those_of_the_same_source_only() -> None:
    policy, other = Policy(rules=(RULE,)), Rule(effect=Effect.DENY, kind="volume.remove")
    assert policy.adopt("heal", (other,))
    assert not policy.adopt("heal", (other,))
    assert policy.rules == (RULE, other)
    with pytest.raises(BadInput):
        policy.adopt("heal", (Rule(effect=Effect.ALLOW, kind="*", target="db", requester="self-heal"),))
    with pytest.raises(BadInput):
        policy.adopt("heal", (Rule(effect=Effect.ALLOW, kind="a", target="db", requester=" "),))
    assert policy.adopt("heal", ())
    assert policy.rules == (RULE,)
