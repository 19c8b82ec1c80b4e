"""Two operators at once: one winner, told to the other, audited twice, enqueued once (R1.5)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from aistack_backend.errors import AlreadyDecided
from aistack_backend.wire.actions import Approval, ApprovalState

WIDTH = 8


def race(world: Any, pool: ThreadPoolExecutor, asked: Approval, verdicts: list[str]) -> list[Approval | AlreadyDecided]:
    """Let everybody decide at once; return what each was told."""
    barrier = Barrier(len(verdicts))

    def decide(who: int) -> Approval | AlreadyDecided:
        barrier.wait(10)
        try:
            decided: Approval = world.decide(asked, verdicts[who], who=f"p{who}")
        except AlreadyDecided as lost:
            return lost
        return decided

    return list(pool.map(decide, range(len(verdicts))))


def run_rounds(world: Any, rng: random.Random, rounds: int) -> None:
    """Race ``rounds`` times and hold every promise against the result."""
    queued = 0
    with ThreadPoolExecutor(WIDTH) as pool:
        for _ in range(rounds):
            asked = world.ask()
            told = race(world, pool, asked, [rng.choice(["approve", "deny"]) for _ in range(WIDTH)])
            winners = [one for one in told if isinstance(one, Approval)]
            losers = [one for one in told if isinstance(one, AlreadyDecided)]
            assert (len(winners), len(losers)) == (1, WIDTH - 1)
            final = world.approvals.get(asked.id)
            assert (final.state, final.decided_by) == (winners[0].state, winners[0].decided_by)
            verdict = "approve" if final.state is ApprovalState.APPROVED else "deny"
            expected = {(final.decided_by, verdict, final.decided_at)}
            assert {(one.winner, one.decision, one.decided_at) for one in losers} == expected
            queued += verdict == "approve"
            assert (asked.id in world.queued()) == (verdict == "approve")
    assert len(world.queued()) == queued
    decisions = world.audit.page(1000, text="decision").total
    assert decisions == rounds
    assert world.audit.page(1, text="refused").total == rounds * (WIDTH - 1)
    assert world.audit.verify().ok


def test_many_operators_decide_at_once(world: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    rounds = 50
    run_rounds(world, rng, rounds)
    tried("R1.5", rounds * WIDTH, 0, f"{rounds} rounds of {WIDTH} that had not exactly one winner")


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_operators_decide_at_once_in_full(world: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    rounds = int(os.environ.get("AISTACK_SOAK_ROUNDS", "1000"))
    run_rounds(world, rng, rounds)
    tried("R1.5", rounds * WIDTH, 0, f"{rounds} rounds of {WIDTH} that had not exactly one winner")


def test_a_decision_and_the_deadline_at_once(world: Any, tried: Callable[..., None]) -> None:
    rounds = 40
    with ThreadPoolExecutor(2) as pool:
        for number in range(rounds):
            asked = world.ask()
            world.clock.advance(900 if number % 2 else 899.9)
            barrier = Barrier(2)

            def sweep(barrier: Barrier = barrier) -> int:
                barrier.wait(10)
                return int(world.approvals.expire_due())

            def decide(barrier: Barrier = barrier, asked: Approval = asked) -> bool:
                barrier.wait(10)
                try:
                    world.decide(asked)
                except Exception:
                    return False
                return True

            swept, decided = pool.submit(sweep), pool.submit(decide)
            outcome = (swept.result(10), decided.result(10))
            late = number % 2 == 1
            assert outcome[1] is not late
            state = world.approvals.get(asked.id).state
            assert state is (ApprovalState.EXPIRED if late else ApprovalState.APPROVED)
            world.clock.advance(1000)
            world.approvals.expire_due()
    tried("R1.7 race", rounds, 0, "late decisions taken or timely ones lost")
