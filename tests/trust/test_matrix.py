"""No effect before a decision, for every kind, threshold, rule and owner (R1.1, R1.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.judgement import ORDER
from aistack_backend.approvals.policy import DEFAULT, THRESHOLDS, Effect, Policy, Rule
from aistack_backend.approvals.risk import KINDS, judge
from aistack_backend.errors import BadInput, Refused
from aistack_backend.wire.actions import Risk

SCRIPTS = ("ls", "git status", "rm -rf x", "")
NEEDS = {"none": 3, "low": 0, "medium": 1, "high": 2}
"""From which risk on a person is asked, by its place in ``ORDER``."""


def actions(action: Action) -> list[Action]:
    """Return one action of every kind, the shell with scripts of every risk, and an unknown kind."""
    kinds = [replace(action, kind=kind) for kind in (*KINDS, "stack.destroy")]
    return kinds + [replace(action, kind="shell.run", argv=(), script=script) for script in SCRIPTS]


def test_nothing_is_enqueued_before_it_may(
    make_world: Callable[..., Any], action: Action, evidence: Any, tried: Callable[..., None]
) -> None:
    count = 0
    for threshold, denied in product(THRESHOLDS, (False, True)):
        rules = (Rule(effect=Effect.DENY, kind="*"),) if denied else ()
        world = make_world(threshold=threshold, rules=rules)
        for managed, act in product((True, False), actions(action)):
            asked = world.ask(act, replace(evidence, managed=managed))
            unasked = ORDER.index(asked.risk) < NEEDS[threshold]
            expected = "denied" if denied else "approved" if unasked else "pending"
            assert str(asked.state) == expected, (threshold, act.kind, asked.risk)
            assert (asked.id in world.queued()) == (expected == "approved")
            count += 1
            if expected == "pending":
                with pytest.raises(Refused):
                    world.begin(asked.id)
                world.clock.advance(61)
                world.decide(asked)
                assert asked.id in world.queued()
                count += 1
            if expected != "denied":
                world.begin(asked.id)
        assert world.audit.verify().ok
    assert count >= 200
    tried("R1.1", count, 0, "effects enqueued or begun before their decision")


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("risk", ORDER)
def test_the_threshold_is_the_lowest_risk_that_needs_a_person(action: Action, threshold: str, risk: Risk) -> None:
    ruling = Policy(threshold).judge(action, risk)
    asks = ORDER.index(risk) >= NEEDS[threshold]
    assert ruling.effect is (Effect.ASK if asks else Effect.ALLOW)
    if risk is Risk.DESTRUCTIVE:
        assert ruling.rule == "ask: destructive always needs a person"


def test_a_risk_that_is_not_known_is_always_asked(action: Action) -> None:
    assert Policy("none").judge(action, Risk.UNKNOWN).effect is Effect.ASK


def test_the_shipped_threshold_is_medium() -> None:
    assert Policy().threshold == DEFAULT == "medium"


@pytest.mark.parametrize("word", ["", "Medium", "MEDIUM", "destructive", "off", "0", "all", " low", "high "])
def test_an_unknown_threshold_refuses_to_start(word: str) -> None:
    with pytest.raises(BadInput, match=r"threshold .* is not known"):
        Policy(word)


def test_deny_beats_ask_and_ask_beats_allow(action: Action) -> None:
    deny = Rule(effect=Effect.DENY, kind="*", target="web", why="frozen for the audit")
    ask = Rule(effect=Effect.ASK, kind=action.kind)
    allow = Rule(effect=Effect.ALLOW, kind=action.kind, target="web")
    assert Policy("high", (allow, ask, deny)).judge(action, Risk.LOW).effect is Effect.DENY
    assert "frozen for the audit" in Policy("high", (allow, deny)).judge(action, Risk.LOW).rule
    assert Policy("none", (allow, ask)).judge(action, Risk.LOW).effect is Effect.ASK
    assert Policy("low", (allow,)).judge(action, Risk.MEDIUM).effect is Effect.ALLOW


@pytest.mark.parametrize("risk", [Risk.HIGH, Risk.DESTRUCTIVE, Risk.UNKNOWN])
def test_an_allow_rule_never_lifts_what_is_high(action: Action, risk: Risk) -> None:
    allow = Rule(effect=Effect.ALLOW, kind=action.kind, target="web")
    assert Policy("low", (allow,)).judge(action, risk).effect is Effect.ASK


def test_a_rule_matches_whole_words_and_every_target(action: Action) -> None:
    allow = Rule(effect=Effect.ALLOW, kind="container.restart", target="web")
    policy = Policy("low", (allow,))
    web = action.targets[0]
    for kind, targets in (
        ("container.restart2", (web,)),
        ("container", (web,)),
        ("container.restart", (replace(web, name="web2"),)),
        ("container.restart", (web, replace(web, name="db", id="x"))),
        ("container.restart", ()),
    ):
        assert policy.judge(replace(action, kind=kind, targets=targets), Risk.LOW).effect is Effect.ASK


@pytest.mark.parametrize(
    "rule",
    [
        Rule(effect=Effect.ALLOW, kind="*", target="web"),
        Rule(effect=Effect.ALLOW, kind="container.stop", target="*"),
        Rule(effect=Effect.DENY, kind=" "),
        Rule(effect=Effect.ASK, kind="x", target=""),
    ],
)
def test_a_rule_that_allows_too_much_or_never_matches_is_refused(rule: Rule) -> None:
    with pytest.raises(BadInput, match="policy rule"):
        Policy("medium", (rule,))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_not_ours_is_at_least_high(action: Action, kind: str) -> None:
    judged = judge(replace(action, kind=kind), managed=False)
    assert judged.risk in (Risk.HIGH, Risk.DESTRUCTIVE)
    assert any("io.aistack.managed" in reason for reason in judged.reasons)


def test_what_a_kind_never_has_is_high(action: Action) -> None:
    start = replace(action, kind="container.start")
    assert judge(start, managed=True).risk is Risk.LOW
    for odd in ({"script": "x"}, {"mounts": ("/:/x",)}, {"env": (("A", "b"),)}, {"targets": ()}):
        assert judge(replace(start, **odd), managed=True).risk is Risk.HIGH, odd


@pytest.mark.parametrize(
    "odd",
    [
        {"argv": ("rm", "-rf", "/")},
        {"argv": ("sh", "-c", "rm x")},
        {"argv": ("sh", "-c", "ls", "x")},
        {"argv": ("python3", "-c", "ls")},
        {"network": "host"},
        {"network": "bridge"},
        {"mounts": ("/run/podman/podman.sock:/s",)},
        {"mounts": ("/:/host",)},
        {"env": (("LD_PRELOAD", "x"),)},
        {"env": (("PATH", "x"),)},
        {"script": None},
        {"script": b"ls"},
        {"script": 5},
        {"argv": None, "script": object()},
        {"env": 7},
        {"env": ("x",)},
        {"mounts": 3.5},
        {"kind": None},
        {"kind": ["container.start"]},
    ],
)
def test_a_shell_with_odd_surroundings_is_high(odd: dict[str, Any]) -> None:
    shell = Action(kind="shell.run", argv=("sh", "-c", "ls"), script="ls", network="none")
    assert judge(shell, managed=True).risk is Risk.LOW
    assert judge(replace(shell, **odd), managed=True).risk is Risk.HIGH
