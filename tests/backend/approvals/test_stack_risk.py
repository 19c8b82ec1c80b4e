"""The risk of the stack's kinds: the plan in words raises it for none of them, and for every other kind it does."""

from __future__ import annotations

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.risk import judge
from aistack_backend.wire.actions import Risk, Target

SERIOUS = (Risk.HIGH, Risk.DESTRUCTIVE)
RISKS = {
    "stack.up": Risk.MEDIUM,
    "stack.recreate": Risk.MEDIUM,
    "stack.update": Risk.MEDIUM,
    "stack.down": Risk.HIGH,
    "stack.rollback": Risk.HIGH,
    "stack.backup": Risk.LOW,
    "stack.restore": Risk.DESTRUCTIVE,
    "service.hold": Risk.LOW,
    "service.release": Risk.LOW,
}


def action(kind: str, script: str = "", **more: object) -> Action:
    target = Target(type="service", id="a", name="a", pin="p")
    return Action(kind=kind, targets=(target,), script=script, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", RISKS)
def test_the_floor_of_each_kind(kind: str) -> None:
    script = "create    service a" if kind.startswith("stack.") else ""
    assert judge(action(kind, script), managed=True).risk is RISKS[kind]
    assert judge(action(kind, script), managed=False).risk in SERIOUS
    assert judge(action(kind, env=(("A", "b"),)), managed=True).risk in SERIOUS


@pytest.mark.parametrize("kind", ["container.start", "service.hold", "volume.remove"])
def test_a_script_where_there_is_never_one(kind: str) -> None:
    assert judge(action(kind, "rm -rf /"), managed=True).risk in SERIOUS
