"""Deadlines on a clock that nobody can set, through restarts and jumps (R1.7)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aistack_backend.approvals.request import Limits
from aistack_backend.errors import BadInput, Refused
from aistack_backend.wire.actions import ApprovalState

DAYS3 = 3 * 86_400


def test_undecided_expires_after_fifteen_minutes(world: Any) -> None:
    asked = world.ask()
    world.clock.advance(899)
    assert world.approvals.expire_due() == 0
    world.clock.advance(1)
    assert world.approvals.expire_due() == 1
    assert world.approvals.expire_due() == 0
    final = world.approvals.get(asked.id)
    assert (final.state, final.decided_by, final.reason) == ("expired", "backend", "nobody decided in time")
    assert world.records("nobody decided")[0].decision == "expired"


def test_a_late_yes_is_refused_without_any_sweep(world: Any) -> None:
    asked = world.ask()
    world.clock.advance(900)
    with pytest.raises(Refused, match="expired undecided") as refused:
        world.decide(asked)
    assert refused.value.type == "approval-expired"
    assert world.approvals.get(asked.id).state is ApprovalState.EXPIRED
    assert world.queued() == []


def test_approved_and_not_started_is_stale_after_five_minutes(world: Any) -> None:
    swept, used = world.decide(world.ask()), world.decide(world.ask())
    world.clock.advance(301)
    with pytest.raises(Refused, match="not started in time") as refused:
        world.begin(used.id)
    assert refused.value.type == "approval-stale"
    assert world.approvals.get(used.id).state is ApprovalState.STALE
    assert world.approvals.expire_due() == 1
    assert world.approvals.get(swept.id).state is ApprovalState.STALE


def test_setting_the_clock_decides_nothing(world: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    count = 0
    for _ in range(60):
        asked = world.ask()
        approved = world.decide(world.ask())
        ran = 0.0
        while ran < 800:
            step = rng.uniform(1, 200)
            world.clock.wall += rng.uniform(-DAYS3, DAYS3)
            if ran + step >= 290:
                break
            world.clock.advance(step)
            ran += step
            assert world.approvals.expire_due() == 0
            shown = world.approvals.get(asked.id)
            assert shown.state is ApprovalState.PENDING
            assert abs(shown.expires_at - world.clock.now() - (900 - ran)) <= 1
            count += 1
        world.begin(approved.id)
        world.clock.advance(901)
        assert world.approvals.expire_due() == 1
        assert world.approvals.get(asked.id).state is ApprovalState.EXPIRED
    tried("R1.7 clock", count, 0, "jumps of up to 3 days that changed what is left by more than 1 s")


def test_a_restart_keeps_the_deadline_and_ends_what_was_not_started(world: Any) -> None:
    waiting, approved = world.ask(), world.decide(world.ask())
    world.clock.advance(100)
    world.restart()
    assert world.approvals.on_restart() == 1
    assert world.approvals.get(waiting.id).expires_at == waiting.expires_at
    assert world.approvals.get(waiting.id).state is ApprovalState.PENDING
    assert world.approvals.get(approved.id).state is ApprovalState.STALE
    world.clock.advance(799)
    assert world.approvals.expire_due() == 0
    world.clock.advance(1)
    assert world.approvals.expire_due() == 1


def test_a_reboot_counts_by_the_wall_clock(world: Any) -> None:
    waiting, approved = world.ask(), world.decide(world.ask())
    world.clock.boot, world.clock.steady = "boot-2", 5.0
    world.clock.wall += 200
    with pytest.raises(Refused, match="machine was restarted"):
        world.begin(approved.id)
    assert world.approvals.expire_due() == 0
    assert abs(world.approvals.get(waiting.id).expires_at - waiting.expires_at) <= 1
    world.clock.advance(700)
    assert world.approvals.expire_due() == 1
    assert world.approvals.get(waiting.id).state is ApprovalState.EXPIRED


def test_a_reboot_ends_what_was_approved_without_any_use(world: Any) -> None:
    approved = world.decide(world.ask())
    world.clock.boot = "boot-2"
    assert world.approvals.expire_due() == 1
    assert world.approvals.get(approved.id).state is ApprovalState.STALE


@pytest.mark.parametrize("seconds", [9.9, 0, -5, 7 * 86_400 + 1, float("nan"), float("inf")])
def test_a_time_to_decide_out_of_bounds_is_refused(seconds: float) -> None:
    with pytest.raises(BadInput, match="10 s to 7 days"):
        replace(Limits(), decide=seconds)
