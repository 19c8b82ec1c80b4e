"""How people decide, in figures: what a policy or the clock closed is no decision of a person (R1.16)."""

from __future__ import annotations

from typing import Any


def test_nothing_decided_is_not_measured(world: Any) -> None:
    found = world.approvals.report()
    assert (found.decided, found.median_seconds, found.quick_share) == (0, None, None)


def test_the_median_and_the_share_of_quick_approvals(world: Any) -> None:
    for seconds, verdict in ((1.0, "approve"), (1.9, "approve"), (30.0, "approve"), (60.0, "approve"), (5.0, "deny")):
        asked = world.ask()
        world.clock.advance(seconds)
        world.decide(asked, verdict)
    world.ask()
    world.clock.advance(901)
    world.approvals.expire_due()
    world.ask()
    world.ask()
    found = world.approvals.report()
    assert (found.decided, found.approved, found.quick_share) == (5, 4, 0.5)
    assert found.median_seconds is not None
    assert abs(found.median_seconds - 5.0) < 0.01
    assert (found.waiting, found.waiting_distinct) == (2, 1)
