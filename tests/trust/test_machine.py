"""A machine that tries every order of requests, decisions, uses, time, restarts: never two final states (R1.5)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from aistack_backend.errors import BackendError
from aistack_backend.wire.actions import ApprovalState

KINDS = ("container.start", "container.stop", "container.kill", "volume.remove")
FINAL = frozenset(ApprovalState) - {ApprovalState.PENDING, ApprovalState.APPROVED}
MOVES = {
    ApprovalState.PENDING: {"approved", "denied", "expired", "superseded"},
    ApprovalState.APPROVED: {"used", "stale", "mismatch"},
}


class Gate(RuleBasedStateMachine):
    """What may happen, in any order; ``seen`` is the last state of each approval."""

    make: Callable[[Path], Any]
    action: Any
    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="gate-"))
        self.world = type(self).make(self.folder)
        self.tasks = [self.world.task() for _ in range(2)]
        self.seen: dict[int, ApprovalState] = {}
        self.used: dict[int, int] = {}
        self.yes: set[int] = set()

    def attempt(self, do: Callable[[], Any]) -> Any:
        """Do it; a refusal is one of ours and gives None."""
        try:
            return do()
        except BackendError:
            return None

    @rule(target=asked, kind=st.sampled_from(KINDS), task=st.integers(0, 1))
    def ask(self, kind: str, task: int) -> Any:
        made = self.world.ask(replace(self.action, kind=kind), task_id=self.tasks[task])
        if made.state is ApprovalState.APPROVED:
            self.yes.add(made.id)
        self.seen[made.id] = made.state
        return made

    @rule(target=asked, one=asked, kind=st.sampled_from(KINDS))
    def edit(self, one: Any, kind: str) -> Any:
        new = replace(self.action, kind=kind, step="2")
        made = self.attempt(lambda: self.world.ask(new, task_id=one.task_id, replaces=one.id))
        if made is None:
            return multiple()
        assert self.seen[one.id] is ApprovalState.PENDING
        if made.state is ApprovalState.APPROVED:
            self.yes.add(made.id)
        self.seen[made.id] = made.state
        return made

    @rule(one=asked, verdict=st.sampled_from(["approve", "deny"]), who=st.sampled_from(["anna", "bert"]))
    def decide(self, one: Any, verdict: str, who: str) -> None:
        before = self.seen[one.id]
        decided = self.attempt(lambda: self.world.decide(one, verdict, who=who))
        if decided is not None:
            assert before is ApprovalState.PENDING
            assert (decided.decided_by, decided.action_hash) == (f"operator:{who}", one.action_hash)
            if verdict == "approve":
                self.yes.add(one.id)

    @rule(one=asked)
    def decide_what_was_not_seen(self, one: Any) -> None:
        assert self.attempt(lambda: self.world.decide(one, action_hash="f" * 64)) is None

    @rule(one=asked, changed=st.booleans())
    def begin(self, one: Any, changed: bool) -> None:
        before = self.seen[one.id]
        ran = self.attempt(lambda: self.world.begin(one.id, lambda _: "changed" if changed else ""))
        if ran is not None:
            assert before is ApprovalState.APPROVED
            assert not changed
            assert ran.hash() == one.action_hash
            assert one.id in self.yes
            self.used[one.id] = self.used.get(one.id, 0) + 1

    @rule(seconds=st.sampled_from([1, 61, 299, 302, 900]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(days=st.sampled_from([-3, -1, 1, 3]))
    def set_the_clock(self, days: int) -> None:
        self.world.clock.wall += days * 86_400

    @rule()
    def sweep(self) -> None:
        self.world.approvals.expire_due()

    @rule(reboot=st.booleans())
    def restart(self, reboot: bool) -> None:
        if reboot:
            self.world.clock.boot += "+"
            self.world.clock.steady = 3.0
        self.world.restart()
        self.world.approvals.on_restart()

    @invariant()
    def every_move_is_allowed_and_final_is_final(self) -> None:
        for one in self.world.approvals.list().approvals:
            before = self.seen.get(one.id, ApprovalState.PENDING)
            if one.state is not before:
                assert before not in FINAL, (one.id, before, one.state)
                after = str(one.state)
                allowed = MOVES[before] | (MOVES[ApprovalState.APPROVED] if one.id in self.yes else set())
                assert after in allowed, (one.id, before, one.state)
            self.seen[one.id] = one.state
        assert all(count == 1 for count in self.used.values())

    @invariant()
    def what_was_enqueued_was_approved_once(self) -> None:
        queued = self.world.queued()
        assert sorted(queued) == sorted(self.yes)

    def teardown(self) -> None:
        check = self.world.audit.verify()
        assert (check.ok, check.witnessed) == (True, check.count), check
        decided = [record for record in self.world.records() if record.decision == "approve"]
        assert {record.approval_id for record in decided if record.phase == "decision"} == self.yes
        self.world.close()
        shutil.rmtree(self.folder)


def run(make_world: Any, action: Any, examples: int, steps: int) -> None:
    """Run the machine."""
    quiet = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    bound = type("BoundGate", (Gate,), {"make": make_world, "action": action})
    run_state_machine_as_test(bound, settings=quiet)


@pytest.fixture
def bare(world: Any) -> Callable[[Path], Any]:
    """Give a maker of worlds in given folders; the machine closes them."""
    return type(world)


def test_no_order_of_events_gives_two_final_states(
    bare: Callable[[Path], Any], action: Any, tried: Callable[..., None]
) -> None:
    run(bare, action, 25, 25)
    tried("R1.5 machine", 25 * 25, 0, "steps that broke a promise")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_order_of_events_gives_two_final_states_in_full(
    bare: Callable[[Path], Any], action: Any, tried: Callable[..., None]
) -> None:
    run(bare, action, 500, 50)
    tried("R1.5 machine", 500 * 50, 0, "steps that broke a promise")
