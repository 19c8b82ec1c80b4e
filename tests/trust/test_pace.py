"""A pause after too many approvals of one person, or requests of one task and what it started (R1.16)."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from aistack_backend.approvals.policy import TwoPeople
from aistack_backend.approvals.request import Limits
from aistack_backend.errors import BackendError, BadInput, Conflict, Refused
from aistack_backend.wire.actions import GO_ON, Approval, ApprovalState, GoOnRequest

from .conftest import person


@pytest.fixture
def paced(make_world: Callable[..., Any]) -> Any:
    """A world with the shipped limit."""
    return make_world(limits=Limits(most_a_minute=5))


def paused(world: Any, asked: Approval, who: str = "anna") -> str:
    """Try to approve; return the sentence of the pause, "" when it was taken."""
    try:
        world.decide(asked, who=who)
    except Refused as error:
        return error.detail if error.type == "approval-pause" else f"refused otherwise: {error.detail}"
    return ""


def go_on(world: Any, asked: Approval, who: str = "anna", words: str = GO_ON) -> None:
    world.approvals.go_on(asked.id, GoOnRequest(words=words), person(*who.split("@")))


def test_the_sixth_approval_within_a_minute_waits_for_a_deliberate_step(paced: Any) -> None:
    asked = [paced.ask() for _ in range(8)]
    for one in asked[:5]:
        assert paused(paced, one) == ""
        paced.clock.advance(1)
    said = paused(paced, asked[5])
    assert said == "You approved 5 requests within a minute: approving is paused for you."
    assert paced.approvals.get(asked[5].id).state is ApprovalState.PENDING
    assert paced.decide(asked[6], "deny", who="anna").state is ApprovalState.DENIED, "a no is never paused"
    assert paused(paced, asked[5], "bert") == "", "another person is another count"
    for words in ("", "yes", "go", "goon"):
        with pytest.raises(BadInput, match="type go on"):
            go_on(paced, asked[7], words=words)
    assert paused(paced, asked[7])
    go_on(paced, asked[7], words=" Go On ")
    assert paused(paced, asked[7]) == ""
    noted = [one for one in paced.records("approval.go-on") if one.kind == "approval.go-on"]
    assert [(one.actor, one.object) for one in noted] == [("operator:anna", "operator:anna")]
    assert len([one for one in paced.records("refused") if "paused for you" in one.outcome]) == 2
    with pytest.raises(Conflict, match="Nothing is paused"):
        go_on(paced, paced.ask())


def test_the_pause_ends_by_itself_after_a_minute(paced: Any) -> None:
    for _ in range(5):
        assert paused(paced, paced.ask()) == ""
    waiting = paced.ask()
    assert paused(paced, waiting)
    paced.clock.advance(59)
    assert paused(paced, waiting)
    paced.clock.advance(2)
    assert paused(paced, waiting) == ""


def test_sessions_and_keys_of_one_person_are_counted_together(paced: Any) -> None:
    for number in range(5):
        assert paused(paced, paced.ask(), ("anna@ops", "ops")[number % 2]) == ""
    assert paused(paced, paced.ask(), "ops")
    assert paused(paced, paced.ask(), "anna@ops")


def test_own_actions_are_not_counted(paced: Any, action: Any) -> None:
    for _ in range(12):
        assert paused(paced, paced.ask(replace(action, requester="operator:anna"))) == ""
    assert paused(paced, paced.ask()) == ""


def test_the_first_yes_of_two_counts_too(make_world: Callable[..., Any]) -> None:
    world = make_world(limits=Limits(most_a_minute=5), two=TwoPeople(kinds=frozenset({"container.restart"})))
    for _ in range(5):
        assert paused(world, world.ask()) == ""
    assert paused(world, world.ask())


def test_a_task_that_asks_too_often_is_paused_with_what_it_started(paced: Any) -> None:
    root = paced.task()
    child, other = paced.task(parent=root), paced.task()
    grand = paced.task(parent=child)
    asked = [paced.ask(task_id=(root, child, grand)[number % 3]) for number in range(5)]
    assert [paced.approvals.get(one.id).paused for one in asked] == [""] * 5
    asked.append(paced.ask(task_id=grand))
    why = f"Task {root} and what it started asked more than 5 times within a minute: it is paused."
    assert {one.paused for one in paced.approvals.list().approvals} == {why}
    assert paused(paced, asked[0]) == why
    assert paused(paced, paced.ask(task_id=other)) == ""
    paced.clock.advance(300)
    assert paused(paced, asked[0]) == why, "it asked in a burst, whenever it is looked at"
    assert paced.decide(asked[1], "deny", who="anna").state is ApprovalState.DENIED
    paced.restart()
    assert paused(paced, asked[0]) == why
    go_on(paced, asked[0])
    assert paused(paced, asked[0]) == ""
    assert [one.object for one in paced.records() if one.kind == "approval.go-on"] == [f"task {root}"]


def test_slow_requests_of_a_task_are_no_burst(paced: Any) -> None:
    task_id = paced.task()
    for _ in range(20):
        assert paced.ask(task_id=task_id).paused == ""
        paced.clock.advance(13)


def test_zero_is_no_limit(world: Any) -> None:
    task_id = world.task()
    assert all(paused(world, world.ask(task_id=task_id)) == "" for _ in range(40))


def test_the_report_says_how_close_a_person_is(paced: Any) -> None:
    for number in range(3):
        told = paced.approvals.report(person("anna"))
        assert (told.last_minute, told.most) == (number, 5)
        paced.decide(paced.ask(), who="anna")
    assert paced.approvals.report().last_minute is None


def test_many_at_once_do_not_get_past_it(paced: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    """A person whose fingers, or scripts, approve twelve at once gets five."""
    rounds, over = 10, 0
    with ThreadPoolExecutor(12) as pool:
        for _ in range(rounds):
            asked = [paced.ask() for _ in range(12)]
            rng.shuffle(asked)

            def yes(one: Approval) -> bool:
                try:
                    paced.decide(one, who="anna")
                except BackendError:
                    return False
                return True

            over += sum(pool.map(yes, asked)) != 5
            paced.clock.advance(61)
    tried("R1.16", rounds * 12, over, "rounds of twelve at once with other than five taken")
    assert over == 0
