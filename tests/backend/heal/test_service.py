"""Self-heal acts only through the gate, unasked only by its own rule, and counts across restarts of the backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.backend.heal.ward import MANAGED, Ward, manifest

from aistack_backend.containers.stack.models import HealDecl
from aistack_backend.wire.actions import ActionRequest, ApprovalState
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.boot import Boot, BootRow, BootState, Stage, StepKind
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Rung, RungName, RungState, ServiceState
from aistack_backend.wire.tasks import TaskState

BAD, OK = ServiceState.BAD, ServiceState.OK


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    ward = Ward(tmp_path)
    yield ward
    ward.close()


def fail(ward: Ward, seconds: float = 10.0, **more: object) -> None:
    """Show a failed database, once now and once later."""
    ward.show(db={"state": BAD, **more}, api=OK)
    ward.healer.tick()
    ward.clock.advance(seconds)
    ward.healer.tick()


def test_a_crashed_service_is_started_again_with_its_reason_on_record(ward: Ward) -> None:
    ident = ward.podman.world.add("local-ai-db", ("sleep", "1000"), running=False, labels=MANAGED)
    ward.launch()
    fail(ward)
    task = ward.wait(TaskState.DONE)
    assert task.requester == "self-heal"
    assert ward.podman.inspect(ident).container.state is ContainerState.RUNNING
    assert ward.healer.words("db") == "restarts 1 of 5 in 10 min, next try in 20 s"
    phases = [record.phase for record in ward.audit.page(50).records if record.task_id == task.id]
    assert set(phases) >= {Phase.REQUEST, Phase.DECISION, Phase.INTENT, Phase.OUTCOME}
    decided = next(record for record in ward.audit.page(50).records if record.phase is Phase.DECISION)
    assert decided.reason.startswith("allow: rule container.start local-ai-db by self-heal (heal block of db")
    asked = next(record for record in ward.audit.page(50).records if record.phase is Phase.REQUEST)
    assert "the port does not answer" in asked.detail
    assert any("heal block of db" in record.detail for record in ward.audit.page(50, text="policy.rules").records)


def rungs(ward: Ward, fails: RungName, age: float) -> tuple[Rung, ...]:
    """Six rungs, the last look at each so many seconds old, of which one failed."""
    at = ward.clock.now() - age
    return tuple(
        Rung(name=name, state=RungState.FAIL if name is fails else RungState.PASS, at=at)
        for name in RungName
        if name is not RungName.UNKNOWN
    )


@pytest.mark.parametrize(
    ("fails", "age", "asked"),
    [(RungName.READY, 12.0, 0), (RungName.READY, 1.0, 1), (RungName.RUNNING, 12.0, 1)],
    ids=["seen once", "seen again", "ended"],
)
def test_what_runs_is_restarted_only_when_a_second_look_failed(
    ward: Ward, fails: RungName, age: float, asked: int
) -> None:
    ward.podman.world.add("local-ai-db", labels=MANAGED)
    bad = {"state": BAD, "since": ward.clock.now()}
    ward.show(db={**bad, "rungs": rungs(ward, fails, 0.1)}, api=OK)
    ward.healer.tick()
    ward.clock.advance(11)
    ward.show(db={**bad, "rungs": rungs(ward, fails, age)}, api=OK)
    ward.healer.tick()
    assert len(ward.tasks.list().tasks) == asked


def test_the_rule_is_for_self_heal_alone(ward: Ward) -> None:
    ward.podman.world.add("local-ai-db", labels=MANAGED)
    ward.show(db=OK, api=OK)
    ward.healer.tick()
    ward.containers.resolve("local-ai-db")
    wish = ActionRequest(kind="container.restart", target="local-ai-db")
    for who in ("agent:planner", "operator:root", "self-heal ", "Self-Heal", "self-heal:gave-up"):
        assert ward.tasks.submit_action(wish, who, "api").state is TaskState.AWAITING


def test_without_a_rule_self_heal_asks_even_below_the_threshold(tmp_path: Path) -> None:
    ward = Ward(tmp_path, threshold="none")
    try:
        ward.podman.world.add("local-ai-db", running=False)
        ward.manifest = manifest()
        fail(ward)  # not labelled as ours: high, which no rule lifts
        assert ward.newest().state is TaskState.AWAITING
        assert ward.healer.words("db") == "given up: it is not allowed unasked; a person was asked"
        ward.clock.advance(400)
        ward.healer.tick()
        assert len(ward.tasks.list().tasks) == 1
    finally:
        ward.close()


def test_it_gives_up_and_asks_once(ward: Ward) -> None:
    ward.podman.world.add("local-ai-db", running=False, labels=MANAGED)
    ward.show(db=BAD, api=OK)
    for _ in range(900):
        ward.healer.tick()
        ward.clock.advance(1.0)
    states = [task.requester for task in ward.tasks.list().tasks]
    assert states.count("self-heal") == 5
    assert states.count("self-heal:gave-up") == 1
    assert ward.newest().state is TaskState.AWAITING
    assert ward.healer.words("db") == "given up: 5 restarts in 10 min did not help"


def test_no_count_is_forgotten_by_a_new_life(ward: Ward) -> None:
    ward.podman.world.add("local-ai-db", running=False, labels=MANAGED)
    fail(ward)
    ward.healer = ward.make_healer()
    ward.clock.boot, ward.clock.steady = "boot-2", 5.0
    ward.clock.advance(10)
    ward.clock.wall -= 10  # ten seconds since by the wall: the machine itself was started anew in between
    ward.show(db=BAD, api=OK)
    ward.clock.advance(10)
    ward.healer.tick()
    assert ward.healer.words("db") == "restarts 1 of 5 in 10 min, next try in 10 s"


@pytest.mark.parametrize("more", [{"held": True}, {"stopped_by_operator": True}, {"root_cause": "disk"}])
def test_hands_off(ward: Ward, more: dict[str, object]) -> None:
    ward.podman.world.add("local-ai-db", running=False, labels=MANAGED)
    fail(ward, 1000.0, **more)
    assert ward.tasks.list().tasks == ()


def test_hands_off_in_maintenance_and_during_a_boot(ward: Ward) -> None:
    ward.podman.world.add("local-ai-db", running=False, labels=MANAGED)
    ward.show(hold=True, db=BAD, api=OK)
    row = BootRow(service="db", step=StepKind.CREATE, stage=Stage.CREATED)
    boot = Boot(id=1, verb="up", goal="", state=BootState.RUNNING, began_at=1.0, rows=(row,))
    for _ in range(3):
        ward.healer.tick()
        ward.clock.advance(500)
    ward.bus.publish(Topic.BOOT, boot)
    fail(ward, 1000.0)
    assert ward.tasks.list().tasks == ()
    ward.bus.publish(Topic.BOOT, replace(boot, state=BootState.DONE))
    fail(ward)
    assert [task.requester for task in ward.tasks.list().tasks] == ["self-heal"]


def test_a_new_manifest_changes_the_rules(ward: Ward) -> None:
    ward.show(db=OK, api=OK)
    ward.healer.tick()
    assert len(ward.policy.rules) == 5
    ward.manifest = manifest(HealDecl(restart=False))
    ward.healer.tick()
    assert len(ward.policy.rules) == 1


def test_a_stack_that_nobody_measures_any_more_is_left_alone(ward: Ward) -> None:
    ward.podman.world.add("local-ai-db", running=False, labels=MANAGED)
    ward.show(db=BAD, api=OK)
    ward.healer.tick()
    ward.clock.advance(4e6)
    ward.healer.tick()
    assert ward.tasks.list().tasks == ()
    assert not [one for one in ward.approvals.list().approvals if one.state is not ApprovalState.DENIED]
