"""Decisions: one winner, final, bound to what was seen (R1.2, R1.5, R1.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aistack_backend.approvals.decision import Decision
from aistack_backend.approvals.pace import Pace
from aistack_backend.approvals.port import Person
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.approvals.request import Limits
from aistack_backend.approvals.row import load
from aistack_backend.errors import AlreadyDecided, BadInput, Conflict, NotFound, Refused, Unavailable
from aistack_backend.wire.actions import ApprovalState, DecideRequest, Risk, Target, Verdict
from aistack_backend.wire.events import Topic


def test_the_whole_way(world: Any) -> None:
    asked = world.ask()
    assert (asked.state, asked.risk, asked.rule) == (ApprovalState.PENDING, Risk.MEDIUM, "ask: threshold medium")
    decided = world.decide(asked)
    assert (decided.state, decided.decided_by, decided.decided_via) == (ApprovalState.APPROVED, "operator:root", "tui")
    assert world.queued() == [asked.id]
    action = world.begin(asked.id)
    assert action.hash() == asked.action_hash
    assert world.approvals.get(asked.id).state is ApprovalState.USED
    assert [record.phase for record in world.records()[::-1]] == ["note", "request", "decision"]
    assert world.audit.verify().ok


def test_every_change_is_published(world: Any) -> None:
    asked = world.ask()
    assert [one.state for one in world.bus.latest(Topic.APPROVALS).approvals] == ["pending"]
    world.decide(asked)
    assert [one.state for one in world.bus.latest(Topic.APPROVALS).approvals] == ["approved"]
    world.begin(asked.id)
    assert [one.state for one in world.bus.latest(Topic.APPROVALS).approvals] == ["used"]


def test_watchers_see_each_change_in_its_transaction(world: Any) -> None:
    seen: list[tuple[int, str]] = []
    world.approvals.watchers.append(lambda _, changed: seen.append((changed.id, str(changed.state))))
    asked = world.ask()
    world.decide(asked, "deny")
    other = world.ask()
    world.clock.advance(901)
    world.approvals.expire_due()
    assert seen == [(asked.id, "pending"), (asked.id, "denied"), (other.id, "pending"), (other.id, "expired")]


def test_the_second_decision_learns_who_was_first(world: Any) -> None:
    asked = world.ask()
    world.decide(asked, "deny", who="anna", reason="not now")
    with pytest.raises(AlreadyDecided) as lost:
        world.decide(asked, who="bert")
    assert (lost.value.winner, lost.value.decision) == ("operator:anna", "deny")
    assert lost.value.decided_at == world.clock.now()
    assert lost.value.detail.startswith("Already denied by operator:anna")
    refused = [record for record in world.records() if record.outcome.startswith("refused")]
    assert [(record.actor, record.decision) for record in refused] == [("operator:bert", "approve")]
    assert world.queued() == []


def test_a_denial_is_final(world: Any) -> None:
    task_id = world.task()
    asked = world.ask(task_id=task_id)
    world.decide(asked, "deny")
    for _ in range(3):
        with pytest.raises(AlreadyDecided):
            world.decide(asked)
        with pytest.raises(Refused):
            world.begin(asked.id)
        with pytest.raises(Conflict):
            world.ask(task_id=task_id, replaces=asked.id)
        again = world.ask(task_id=task_id)
        assert again.state is ApprovalState.DENIED
        assert f"denied in approval {asked.id}" in again.rule
    assert world.queued() == []
    world.clock.advance(86_401)
    assert world.ask(task_id=task_id).state is ApprovalState.PENDING


def test_another_task_may_ask_for_what_was_denied_elsewhere(world: Any) -> None:
    world.decide(world.ask(), "deny")
    assert world.ask().state is ApprovalState.PENDING


def test_another_hash_than_what_was_seen_is_refused(world: Any) -> None:
    asked = world.ask()
    with pytest.raises(Refused, match="not what approval") as refused:
        world.decide(asked, action_hash="0" * 64)
    assert refused.value.type == "approval-mismatch"
    assert world.approvals.get(asked.id).state is ApprovalState.PENDING
    assert world.records("refused")


def test_a_stored_action_that_was_changed_cannot_be_approved(world: Any) -> None:
    asked = world.ask()
    world.sql("UPDATE approval SET action = replace(action, 'web', 'db')")
    with pytest.raises(Refused, match="was changed") as refused:
        world.decide(asked)
    assert refused.value.type == "approval-mismatch"
    assert world.queued() == []


@pytest.mark.parametrize("code", ["", "zzzz", "0", "approve"])
def test_high_needs_its_code(world: Any, action: Any, code: str) -> None:
    asked = world.ask(replace(action, kind="container.kill"))
    assert asked.risk is Risk.HIGH
    assert asked.code == asked.action_hash[:4]
    with pytest.raises(Refused, match="code is not right"):
        world.decide(asked, code=code)
    world.decide(asked, code=asked.code.upper())


def test_destructive_needs_its_name_and_a_minute(world: Any, action: Any) -> None:
    volume = Target(type="volume", id="v", name="pgdata", pin="")
    asked = world.ask(replace(action, kind="volume.remove", targets=(volume,)))
    assert (asked.risk, asked.typed_name, asked.ready_at) == (Risk.DESTRUCTIVE, "pgdata", asked.created_at + 60)
    with pytest.raises(Refused, match="name is not right"):
        world.decide(asked, typed_name="pgdat")
    world.clock.wall += 3600  # a clock set by hand does not cool anything
    world.clock.advance(59)
    with pytest.raises(Refused, match="cooling off for 1 s"):
        world.decide(asked)
    world.clock.advance(1)
    world.decide(asked)
    assert '"dual_control":"single-operator"' in world.records("single-operator")[0].detail


def test_a_denial_needs_a_reason(world: Any) -> None:
    asked = world.ask()
    with pytest.raises(BadInput, match="needs a reason"):
        world.decide(asked, "deny", reason="  ")
    with pytest.raises(BadInput, match="neither approve nor deny"):
        world.decide(asked, "perhaps")


def test_no_such_approval(world: Any) -> None:
    nobody = Person(uid=0, gid=0, pid=1, user="root")
    with pytest.raises(NotFound, match="no approval 7"):
        world.approvals.decide(7, DecideRequest(verdict=Verdict.APPROVE, action_hash="x"), nobody)
    with pytest.raises(NotFound):
        world.begin(7)
    with pytest.raises(NotFound):
        world.approvals.get(7)


def test_without_an_engine_nothing_is_approved(world: Any) -> None:
    asked = world.ask()
    world.approvals.enqueue = None
    with pytest.raises(Unavailable, match="No engine"):
        world.decide(asked)
    assert world.approvals.get(asked.id).state is ApprovalState.PENDING
    assert not [record for record in world.records() if record.phase == "decision"]


def test_a_risk_word_of_a_newer_version_is_not_approved(world: Any) -> None:
    asked = world.ask()
    world.sql("UPDATE approval SET risk = 'apocalyptic'")
    with pytest.raises(Refused, match="does not know"):
        world.decide(asked)


def test_an_edit_is_a_new_action(world: Any, action: Any) -> None:
    task_id = world.task()
    first = world.ask(task_id=task_id)
    edited = world.ask(replace(action, kind="container.stop"), task_id=task_id, replaces=first.id)
    assert world.approvals.get(first.id).state is ApprovalState.SUPERSEDED
    assert (edited.revision, edited.action_hash != first.action_hash) == (2, True)
    with pytest.raises(AlreadyDecided):
        world.decide(first)
    world.decide(edited)
    assert world.begin(edited.id).kind == "container.stop"


def test_an_edit_from_another_task_is_refused(world: Any) -> None:
    asked = world.ask()
    with pytest.raises(Conflict, match="cannot be edited"):
        world.ask(task_id=world.task(), replaces=asked.id)
    assert world.approvals.get(asked.id).state is ApprovalState.PENDING


def test_the_action_of_another_task_is_refused(world: Any, action: Any) -> None:
    with pytest.raises(BadInput, match="belongs to task 99"):
        world.ask(replace(action, task_id=99), task_id=world.task())


def test_a_preview_stores_nothing(world: Any, action: Any, evidence: Any) -> None:
    shown = world.approvals.preview(action, evidence)
    assert (shown.id, shown.action_hash, shown.risk) == (0, action.hash(), Risk.MEDIUM)
    assert world.approvals.list().approvals == ()


def test_the_list_has_pending_first_and_then_the_newest_decided(world: Any) -> None:
    asked = [world.ask() for _ in range(3)]
    world.clock.advance(5)
    world.decide(asked[0])
    world.clock.advance(5)
    world.decide(asked[1], "deny")
    assert [one.id for one in world.approvals.list().approvals] == [asked[2].id, asked[1].id, asked[0].id]


def test_a_damaged_row_does_not_hide_the_others(world: Any) -> None:
    asked = [world.ask() for _ in range(4)]
    for one, view in zip(asked, ("", "{", "[1]"), strict=False):
        world.sql("UPDATE approval SET view = :v WHERE id = :i", v=view, i=one.id)
    assert [one.title for one in world.approvals.list().approvals] == ["unreadable"] * 3 + ["restart container web"]


def test_a_decision_on_a_row_that_changed_since_it_was_read_loses(world: Any) -> None:
    """What the lock makes impossible is refused as well: the UPDATE names the state that it expects."""
    asked = world.ask()
    decision = Decision(world.audit, world.approvals.policy, world.clock, Limits(), lambda: None, Pace(world.clock, 0))
    with world.database.read() as connection:
        stale = load(connection, asked.id)
    world.decide(asked, "deny", who="anna")
    yes = DecideRequest(verdict=Verdict.APPROVE, action_hash=asked.action_hash)
    with world.database.tx() as connection, pytest.raises(Rejection, match="denied by operator:anna"):
        decision._win(connection, stale, yes, Person(uid=0, gid=0, pid=1, user="bert"), "")
    assert world.approvals.get(asked.id).state is ApprovalState.DENIED
