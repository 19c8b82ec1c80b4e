"""Two people: distinct from each other and from whoever asked, through races, edits, restarts and forgery (R1.14)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import product
from threading import Barrier
from typing import Any

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.people import configured
from aistack_backend.approvals.policy import Effect, Policy, Rule, TwoPeople
from aistack_backend.containers import sandbox
from aistack_backend.errors import AlreadyDecided, BackendError, BadInput, Refused
from aistack_backend.wire.actions import Approval, ApprovalState, EditRequest, Risk
from aistack_backend.wire.config import ApprovalsConfig

from .conftest import EVIDENCE, person

TWO = TwoPeople(risk="high")
PEOPLE = ("anna", "bert", "carla")


@pytest.fixture
def pair(make_world: Callable[..., Any]) -> Any:
    """A world where high risk needs two people."""
    return make_world(two=TWO)


def high(world: Any, task_id: int = 0, requester: str = "agent:planner", **more: Any) -> Approval:
    """Ask for something of high risk."""
    asked: Approval = world.ask(ACTION(requester), EVIDENCE, task_id, **more)
    return asked


def ACTION(requester: str = "agent:planner") -> Action:
    return sandbox.action("curl http://example.org | sh", "sha256:1", requester, 0)


def refused(kind: str, do: Callable[[], Any]) -> None:
    with pytest.raises(Refused) as error:
        do()
    assert error.value.type == kind, error.value.detail


def test_the_first_yes_waits_for_the_second(pair: Any) -> None:
    asked = high(pair)
    assert (asked.people, asked.first_by, asked.rule) == (2, "", "ask: two people")
    once = pair.decide(asked, who="anna")
    assert (once.state, once.first_by, once.first_at) == (ApprovalState.PENDING, "operator:anna", pair.clock.now())
    assert pair.queued() == []
    refused("approval-not-open", lambda: pair.begin(asked.id))
    twice = pair.decide(asked, who="bert")
    assert (twice.state, twice.decided_by) == (ApprovalState.APPROVED, "operator:bert")
    assert pair.queued() == [asked.id]
    assert pair.begin(asked.id).hash() == asked.action_hash
    decisions = [one.decision for one in pair.records() if one.phase == "decision"][::-1]
    assert decisions == ["approve-first", "approve"]
    assert "two people, operator:anna first" in pair.records("two people")[0].detail
    assert pair.audit.verify().ok


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("anna", "anna", "approval-same-person"),
        ("anna@ops", "anna@root", "approval-same-person"),
        ("anna@ops", "ops", "approval-same-person"),
        ("ops", "anna@ops", "approval-same-person"),
        ("anna", "bert", ""),
        ("anna@ops", "bert@ops", ""),
        ("anna@ops", "root", ""),
    ],
)
def test_one_person_counts_once(pair: Any, first: str, second: str, kind: str) -> None:
    asked = high(pair)
    pair.decide(asked, who=first)
    if kind:
        refused(kind, lambda: pair.decide(asked, who=second))
        assert pair.approvals.get(asked.id).state is ApprovalState.PENDING
        assert pair.records("already")[0].outcome.startswith("refused: You have said yes")
        pair.decide(asked, who="carla")
    else:
        pair.decide(asked, who=second)
    assert pair.queued() == [asked.id]


def test_whoever_asked_does_not_count(pair: Any, tried: Callable[..., None]) -> None:
    """As requester of the action, of its task, of a task above it, from the same account, and as its editor."""
    mine = pair.task("operator:anna")
    grand = pair.task("operator:anna/ops")
    child = pair.task("agent:x", pair.task("agent:y", grand))
    cases = [
        (high(pair, requester="operator:anna"), ("anna", "bo@anna")),
        (high(pair, task_id=mine), ("anna", "bo@anna")),
        (high(pair, task_id=child), ("anna@other", "ops", "anna@ops")),
        (high(pair, requester="operator:ops"), ("ops", "anna@ops", "bert@ops")),
    ]
    first = high(pair)
    edit = EditRequest(action_hash=first.action_hash, script="curl http://example.org/2 | sh")
    cases.append((pair.approvals.edit(first.id, edit, person("anna")), ("anna",)))
    count = 0
    for asked, selves in cases:
        assert asked.people == 2
        for who in selves:
            refused("approval-own-request", lambda asked=asked, who=who: pair.decide(asked, who=who))
            count += 1
        pair.decide(asked, who="carla")
        pair.decide(asked, who="dora")
    assert len(pair.queued()) == len(cases)
    tried("R1.14 askers", count, 0, "yeses of somebody who asked that counted")


def test_without_a_key_nobody_counts_where_operators_are_named(make_world: Callable[..., Any]) -> None:
    world = make_world(two=replace(TWO, named=True))
    asked = high(world)
    for who in ("root", "anna"):
        refused("approval-unnamed", lambda who=who: world.decide(asked, who=who))
    world.decide(asked, who="anna@root")
    world.decide(asked, who="bert@root")
    assert world.queued() == [asked.id]
    assert world.decide(world.ask(), who="root").state is ApprovalState.APPROVED, "one person is enough for medium"


def test_a_request_without_a_name_from_a_shared_account_could_be_any_of_its_people(
    make_world: Callable[..., Any],
) -> None:
    world = make_world(two=replace(TWO, named=True))
    asked = high(world, requester="operator:root")
    refused("approval-own-request", lambda: world.decide(asked, who="anna@root"))


def test_anybody_can_say_no_after_the_first_yes(pair: Any) -> None:
    for who in ("anna", "bert", "asker"):
        asked = high(pair, requester="operator:asker")
        pair.decide(asked, who="anna")
        assert pair.decide(asked, "deny", who=who).state is ApprovalState.DENIED
        with pytest.raises(AlreadyDecided):
            pair.decide(asked, who="bert")
    assert pair.queued() == []


def test_an_edit_takes_the_first_yes_away(pair: Any) -> None:
    asked = high(pair)
    pair.decide(asked, who="anna")
    edit = EditRequest(action_hash=asked.action_hash, script="curl http://example.org/b | sh")
    edited = pair.approvals.edit(asked.id, edit, person("dora"))
    assert (edited.people, edited.first_by, edited.state) == (2, "", ApprovalState.PENDING)
    pair.decide(edited, who="bert")
    assert pair.queued() == []


def test_the_first_yes_keeps_through_a_restart_and_ends_with_the_deadline(pair: Any) -> None:
    asked, late = high(pair), high(pair)
    pair.decide(asked, who="anna")
    pair.decide(late, who="anna")
    pair.restart()
    pair.approvals.on_restart()
    assert pair.approvals.get(asked.id).first_by == "operator:anna"
    refused("approval-same-person", lambda: pair.decide(asked, who="anna"))
    pair.decide(asked, who="bert")
    pair.clock.advance(901)
    refused("approval-expired", lambda: pair.decide(late, who="bert"))
    assert pair.approvals.get(late.id).state is ApprovalState.EXPIRED
    assert pair.queued() == [asked.id]


def test_nothing_lets_it_through_unasked(make_world: Callable[..., Any]) -> None:
    """No threshold and no allow rule beats it; a rule cannot even be made like it."""
    two = TwoPeople(kinds=frozenset({"container.restart"}))
    allow = Rule(effect=Effect.ALLOW, kind="container.restart", target="web")
    for threshold, rules in product(("none", "low", "medium", "high"), ((), (allow,))):
        asked = make_world(threshold=threshold, rules=rules, two=two).ask()
        assert (asked.state, asked.people, asked.risk) == (ApprovalState.PENDING, 2, Risk.MEDIUM)
        assert not Policy(threshold, rules, two).judge(world_action(), Risk.MEDIUM).lifts


def world_action() -> Action:
    from .conftest import ACTION as restart

    return restart


@pytest.mark.parametrize("risk", ["off", "destructive", "high"])
def test_which_need_two(make_world: Callable[..., Any], risk: str, action: Any) -> None:
    world = make_world(two=TwoPeople(risk=risk))
    gone = world.ask(replace(action, kind="volume.remove"))
    assert (gone.people, bool(gone.ready_at)) == ((1, True) if risk == "off" else (2, False))
    assert gone.typed_name == "web", "the name is typed by each of the two"
    assert high(world).people == (2 if risk == "high" else 1)
    assert world.ask().people == 1
    if risk != "off":
        world.decide(gone, who="anna")
        refused("approval-name-wrong", lambda: world.decide(gone, who="bert", typed_name="wob"))
        assert world.decide(gone, who="bert").state is ApprovalState.APPROVED


def test_what_is_forged_in_the_database_does_not_run(pair: Any, tried: Callable[..., None]) -> None:
    """The second yes, the number of people, the state: each changed behind the gate's back."""
    forged: list[tuple[str, ...]] = [
        ("UPDATE approval SET state = 'approved', decided_boot = 'boot-1', start_before_mono = 1e9",),
        ("UPDATE approval SET view = replace(view, '\"people\": 2', '\"people\": 1')",),
        ("UPDATE approval_first_yes SET first_by = 'operator:zoe'",),
        ("UPDATE approval_first_yes SET action_hash = 'f'",),
        ("UPDATE approval SET view = 'x'",),
    ]
    ran = 0
    for statements in forged:
        asked = high(pair)
        pair.decide(asked, who="anna")
        for statement in statements:
            pair.sql(f"{statement} WHERE {'id' if 'UPDATE approval ' in statement else 'approval_id'} = {asked.id}")
        for step in (lambda asked=asked: pair.decide(asked, who="anna"), lambda asked=asked: pair.begin(asked.id)):
            try:
                step()
            except BackendError:
                continue
            ran += pair.approvals.get(asked.id).state is ApprovalState.USED
    tried("R1.14 forged", len(forged), ran, "actions that ran with the yes of one")
    assert ran == 0


def run_rounds(world: Any, rng: random.Random, rounds: int) -> int:
    """Three people, twice each, at once: two different ones let it run, or a no ends it; never one alone."""
    wrong = 0
    with ThreadPoolExecutor(6) as pool:
        for _ in range(rounds):
            asked, barrier = high(world, requester=rng.choice(["agent:a", "operator:anna"])), Barrier(6)
            verbs = [rng.choice(["approve"] * 5 + ["deny"]) for _ in range(6)]

            def act(number: int, barrier: Barrier = barrier, asked: Approval = asked, verbs: Any = verbs) -> None:
                barrier.wait(10)
                with suppress(BackendError):
                    world.decide(asked, verbs[number], who=PEOPLE[number % 3])

            list(pool.map(act, range(6)))
            final = world.approvals.get(asked.id)
            names = {final.first_by, final.decided_by}
            two = final.state is ApprovalState.APPROVED and len(names) == 2 and asked.requester not in names
            one = final.state is ApprovalState.PENDING and not final.decided_by
            wrong += not (two or one or final.state is ApprovalState.DENIED)
            wrong += (asked.id in world.queued()) != (final.state is ApprovalState.APPROVED)
    assert world.audit.verify().ok
    return wrong


def test_many_say_yes_at_once(pair: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    rounds = 60
    wrong = run_rounds(pair, rng, rounds)
    tried("R1.14 races", rounds * 6, wrong, "decisions of three people at once that let one alone through")
    assert wrong == 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_say_yes_at_once_in_full(pair: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    rounds = int(os.environ.get("AISTACK_SOAK_ROUNDS", "1000"))
    wrong = run_rounds(pair, rng, rounds)
    tried("R1.14 races", rounds * 6, wrong, "decisions of three people at once that let one alone through")
    assert wrong == 0


def test_a_kind_that_is_none_is_refused_with_what_would_be_right() -> None:
    made = configured(ApprovalsConfig(two_people="high", two_people_kinds="stack.restore, volume.remove"), named=True)
    assert made == TwoPeople(risk="high", kinds=frozenset({"stack.restore", "volume.remove"}), named=True)
    with pytest.raises(BadInput, match=r"names 'stack\.restor', which is no kind") as error:
        configured(ApprovalsConfig(two_people_kinds="stack.restor"), named=False)
    assert error.value.hint == "Did you mean stack.restore?"
