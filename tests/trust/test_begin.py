"""The one use: bound to the bytes, the decision and the world as it was shown (R1.2, R1.3, R1.4)."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from threading import Barrier
from typing import Any

import pytest

from aistack_backend.approvals.action import Action, parse
from aistack_backend.approvals.gate import Gate
from aistack_backend.approvals.policy import Policy
from aistack_backend.approvals.rejection import Rejection
from aistack_backend.errors import BackendError, BadInput, Conflict, Refused, Unavailable
from aistack_backend.wire.actions import ApprovalState, Target

FULL = Action(
    kind="shell.run",
    argv=("sh", "-c", "ls -la"),
    script="ls -la",
    cwd="/workspace",
    env=(("LANG", "a" * 64), ("TZ", "b" * 64)),
    image="sha256:" + "c" * 64,
    mounts=("/data:/data:ro", "/in:/in:ro"),
    network="none",
    user="1000:1000",
    limits=(("memory", "1g"), ("pids", "256")),
    targets=(Target(type="container", id="d" * 64, name="web", pin="p1"), Target(type="image", id="e", name="i")),
    requester="agent:planner",
    step="1",
    policy="1",
)


def mutants(value: Any, rng: random.Random) -> list[Any]:
    """Return changed values of the same shape: one sign changed, one added, one removed, an order turned."""
    if isinstance(value, str):
        at = rng.randrange(len(value)) if value else 0
        other = rng.choice([sign for sign in string.printable if value[at : at + 1] != sign])
        return [value[:at] + other + value[at + 1 :], value + other, value[1:] or "x", value.upper() + "\u202e"]
    if isinstance(value, int):
        return [value + 1, value + 1000]
    if isinstance(value, Target):
        names = [field.name for field in fields(Target)]
        return [replace(value, **{name: new}) for name in names for new in mutants(getattr(value, name), rng)]
    items = list(value)
    grown = [(*items, items[0]), tuple(items[1:]), tuple(items[::-1])]
    for at, item in enumerate(items):
        grown += [(*items[:at], new, *items[at + 1 :]) for new in mutants(item, rng)]
    return [new for new in grown if new != value]


def refused(world: Any, approval_id: int) -> str:
    """Return the type of the refusal of ``begin``."""
    with pytest.raises(Refused) as error:
        world.begin(approval_id)
    return error.value.type


def test_each_changed_field_is_refused(world: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    count = 0
    while count < 1000:
        for field in fields(Action):
            for new in mutants(getattr(FULL, field.name), rng):
                if field.name == "task_id":
                    continue
                changed = replace(FULL, **{field.name: new})
                assert changed.hash() != FULL.hash(), (field.name, new)
                count += 1
    tried("R1.2 hash", count, 0, "changed fields with the same hash")


def test_a_changed_record_is_refused_at_its_use(world: Any, rng: random.Random, tried: Callable[..., None]) -> None:
    asked = [(field.name, new) for field in fields(Action) for new in mutants(getattr(FULL, field.name), rng)]
    chosen = rng.sample(asked, 60)
    for name, new in chosen:
        approval = world.decide(world.ask(FULL))
        changed = replace(FULL, **{name: new}).canonical().decode()
        world.sql("UPDATE approval SET action = :a WHERE id = :i", a=changed, i=approval.id)
        assert refused(world, approval.id) == "approval-mismatch", (name, new)
        assert world.approvals.get(approval.id).state is ApprovalState.MISMATCH
        assert refused(world, approval.id) == "approval-not-open"
    told = [record for record in world.records("refused") if "stored action was changed" in record.outcome]
    assert len(told) == len(chosen)
    tried("R1.2 use", len(chosen), 0, "changed records used")


@pytest.mark.parametrize("count", [2_000])
def test_each_flipped_bit_is_refused(world: Any, rng: random.Random, tried: Callable[..., None], count: int) -> None:
    approval = world.decide(world.ask(FULL))
    honest, gate = FULL.canonical(), Gate(world.audit, Policy(), world.clock)
    with world.database.engine.connect() as connection, connection.begin():
        write = "UPDATE approval SET action = CAST(? AS TEXT) WHERE id = ?"
        for _ in range(count):
            at = rng.randrange(len(honest) * 8)
            flipped = bytearray(honest)
            flipped[at // 8] ^= 1 << at % 8
            connection.exec_driver_sql(write, (bytes(flipped), approval.id))
            with pytest.raises(Rejection) as rejection:
                gate.open(connection, approval.id, lambda _: "")
            assert rejection.value.closes is ApprovalState.MISMATCH
        connection.exec_driver_sql(write, (honest, approval.id))
    assert world.begin(approval.id) == FULL
    tried("R1.2 bits", count, 0, "flipped bits accepted")


def test_bytes_that_are_no_text_are_shown_and_refused(world: Any) -> None:
    approval = world.decide(world.ask(FULL))
    other = world.ask()
    with world.database.tx() as connection:
        write = "UPDATE approval SET action = CAST(? AS TEXT) WHERE id = ?"
        connection.exec_driver_sql(write, (b"\xff\xfe{", approval.id))
    assert {one.id for one in world.approvals.list().approvals} == {approval.id, other.id}
    assert refused(world, approval.id) == "approval-mismatch"


@pytest.mark.parametrize(
    "bad", [b"", b"{}", b"[]", b"null", b'{"kind":"x"}', b"\xff", FULL.canonical() + b" ", b'{"kind":1,"targets":[]}']
)
def test_a_record_that_is_not_canonical_is_not_an_action(bad: bytes) -> None:
    with pytest.raises(BadInput, match="stored action record"):
        parse(bad)


def test_an_approval_without_its_decision_in_the_audit_is_refused(world: Any) -> None:
    asked = world.ask()
    world.sql(
        "UPDATE approval SET state='approved', decided_boot=:b, start_before_mono=:m",
        b=world.clock.boot_id(),
        m=world.clock.mono() + 99,
    )
    assert refused(world, asked.id) == "approval-mismatch"
    assert "holds no decision" in world.records("refused")[0].outcome


def test_what_changed_meanwhile_does_not_run(world: Any) -> None:
    approval = world.decide(world.ask())
    with pytest.raises(Refused, match="web was restarted since"):
        world.begin(approval.id, lambda action: f"{action.targets[0].name} was restarted since")
    after = world.approvals.get(approval.id)
    assert (after.state, after.reason) == (
        ApprovalState.MISMATCH,
        "Approval 1 no longer fits: web was restarted since.",
    )
    assert [record.decision for record in world.records("no longer fits")] == ["", "mismatch"]


def test_what_cannot_be_rechecked_does_not_run(world: Any) -> None:
    def broken(_: Action) -> str:
        raise ValueError("podman went away")

    def absent(_: Action) -> str:
        raise Unavailable("Podman does not answer.")

    for recheck in (broken, absent):
        approval = world.decide(world.ask())
        with pytest.raises(Refused, match="could not be checked again"):
            world.begin(approval.id, recheck)
        assert world.approvals.get(approval.id).state is ApprovalState.MISMATCH


def test_a_refusal_caught_inside_the_transaction_is_recorded_too(world: Any) -> None:
    approval = world.decide(world.ask())
    with world.database.tx() as connection, pytest.raises(Refused):
        world.approvals.begin(connection, approval.id, lambda _: "changed")
    assert world.approvals.get(approval.id).state is ApprovalState.MISMATCH


def test_a_transaction_that_fails_gives_the_use_back(world: Any) -> None:
    approval = world.decide(world.ask())

    def fail() -> None:
        with world.database.tx() as connection:
            world.approvals.begin(connection, approval.id, lambda _: "")
            raise Conflict("the intent could not be written")

    with pytest.raises(Conflict):
        fail()
    assert world.approvals.get(approval.id).state is ApprovalState.APPROVED
    world.begin(approval.id)


@pytest.mark.parametrize("state", ["pending", "denied", "expired", "stale", "superseded", "mismatch", "used", "junk"])
def test_only_an_approved_one_can_be_used(world: Any, state: str) -> None:
    approval = world.decide(world.ask())
    world.sql("UPDATE approval SET state = :s", s=state)
    assert refused(world, approval.id) == "approval-not-open"


def test_eight_runs_at_once_use_it_once(world: Any, tried: Callable[..., None]) -> None:
    rounds, width = 40, 8
    with ThreadPoolExecutor(width) as pool:
        for _ in range(rounds):
            approval = world.decide(world.ask())
            barrier = Barrier(width)

            def use(approval_id: int = approval.id, barrier: Barrier = barrier) -> bool:
                barrier.wait(10)
                try:
                    world.begin(approval_id)
                except BackendError:
                    return False
                return True

            assert sum(pool.map(lambda run: run(), [use] * width)) == 1
    tried("R1.4", rounds * width, 0, "runs beyond the one")
    assert world.audit.verify().ok
