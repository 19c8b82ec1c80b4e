"""Plans: the difference between what is declared and what is there, and what would make it fail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backend.stack.yard import GOOD, IMAGE, Yard

from aistack_backend.containers.stack.spec import config_hash
from aistack_backend.errors import BadInput
from aistack_backend.wire.boot import StepKind

THREE = f"""
db: {{image: '{IMAGE}', {GOOD}, volumes: ['data:/data']}}
api: {{image: '{IMAGE}', depends_on: [db], secrets: [key]}}
web: {{image: '{IMAGE}', depends_on: [api]}}
"""
REST = """
volumes: {data: {name: yard-data}}
secrets: {key: {name: yard-key, x-aistack: {generate: password}}}
"""


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    made.write(THREE, REST)
    yield made
    made.close()


def kinds(yard: Yard, goal: str = "", kind: str = "stack.up") -> dict[str, StepKind]:
    return {step.service.id: step.kind for step in yard.plan(kind, goal).steps}


def test_from_nothing(yard: Yard) -> None:
    plan = yard.plan()
    assert [(step.kind, step.service.id) for step in plan.steps] == [
        (StepKind.CREATE, "db"),
        (StepKind.CREATE, "api"),
        (StepKind.CREATE, "web"),
    ]
    assert (plan.volumes, plan.secrets, plan.problems) == (("yard-data",), ("yard-key",), ())
    assert yard.podman.list() == ()
    wire = plan.wire()
    assert [step.after for step in wire.steps if step.object == "service"] == [(), ("db",), ("api",)]
    assert "create    secret yard-key" in plan.words()


def test_a_goal_brings_what_it_needs_and_a_down_does_not(yard: Yard) -> None:
    assert set(kinds(yard, "api")) == {"db", "api"}
    yard.up()
    assert kinds(yard, "db", "stack.down") == {"db": StepKind.REMOVE}
    assert "api still needs it" in yard.plan("stack.down", "db").words()
    assert list(kinds(yard, "", "stack.down")) == ["web", "api", "db"]


def test_a_name_that_is_not_there(yard: Yard) -> None:
    with pytest.raises(BadInput) as wrong:
        yard.plan("stack.up", "apo")
    assert "api" in wrong.value.hint


def test_what_runs_as_declared_is_kept(yard: Yard) -> None:
    yard.up()
    assert set(kinds(yard).values()) == {StepKind.KEEP}
    yard.podman.stop(yard.names()["web"], 1)
    assert kinds(yard) == {"db": StepKind.KEEP, "api": StepKind.KEEP, "web": StepKind.START}


def test_only_what_changed_is_made_again(yard: Yard) -> None:
    yard.up()
    yard.write(THREE.replace("depends_on: [db],", "depends_on: [db], environment: {A: b},"), REST)
    plan = yard.plan()
    assert {s.service.id: s.why for s in plan.steps if s.kind is StepKind.RECREATE} == {
        "api": "its declaration changed"
    }
    yard.write(THREE, REST)
    yard.memory.world.images.clear()
    yard.memory.world.add_image(IMAGE, b"newer")
    assert {step.why[:6] for step in yard.plan().steps} == {"image "}


def test_what_makes_no_other_container(yard: Yard) -> None:
    """Health policy, tiers, order and probes are ours; the image is compared by its id."""
    before = {key: config_hash(one) for key, one in yard.source.get().services.items()}
    yard.write(THREE.replace("depends_on: [api]", "depends_on: [db, api], expose: [80], x-aistack: {title: Web}"), REST)
    assert {key: config_hash(one) for key, one in yard.source.get().services.items()} == before


def test_labels_of_ours_cannot_be_declared_away(yard: Yard) -> None:
    yard.up()
    for one in yard.podman.list():
        assert one.labels["io.aistack.managed"] == "true"
        assert one.labels["io.aistack.stack"] == "yard"
        assert one.labels["io.aistack.service"] in ("db", "api", "web")


def test_a_port_in_use_and_by_whom(yard: Yard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        yard.write(f"a: {{image: '{IMAGE}', ports: ['127.0.0.1:{port}:80']}}")
        assert yard.plan().problems[0].startswith(f"Port {port} of a is held by ")
        assert "pid" in yard.plan().problems[0]
        with pytest.raises(BadInput, match=f"Port {port}"):
            yard.ask()
    assert yard.plan().problems == ()
    yard.memory.world.add("other", ports=((port, 80),))
    assert yard.plan().problems == (f"Port {port} of a is held by the container other.",)


def test_a_port_that_cannot_be_had(yard: Yard) -> None:
    yard.write(f"a: {{image: '{IMAGE}', ports: ['203.0.113.7:8080:80']}}")
    assert "Port 8080 of a cannot be had on 203.0.113.7" in yard.plan().problems[0]


def test_an_image_that_nothing_can_give(yard: Yard) -> None:
    yard.write("a: {image: 'localhost/nowhere:1'}\nb: {image: 'example.org/pulled:1'}")
    plan = yard.plan()
    assert len(plan.problems) == 1
    assert "localhost/nowhere:1" in plan.problems[0]
    assert "to pull" in plan.words()


def test_what_is_external_must_exist(yard: Yard) -> None:
    yard.write(
        f"a: {{image: '{IMAGE}', volumes: ['v:/v'], secrets: [s]}}",
        "volumes: {v: {external: true}}\nsecrets: {s: {external: true}}\n",
    )
    plan = yard.plan()
    assert len(plan.problems) == 2
    assert plan.volumes == ()
    yard.provisioner.create_volume("v", {})
    yard.provisioner.create_secret("s", b"x", {})
    assert yard.plan().problems == ()


def test_a_container_of_another_maker_is_in_the_way(yard: Yard) -> None:
    yard.memory.world.add(yard.source.get().services["web"].container)
    assert "was not made by this stack" in yard.plan().problems[0]
    assert kinds(yard, "", "stack.down") == {}


def test_memory_that_is_missing_is_said_and_forbids_nothing(yard: Yard) -> None:
    yard.write(f"a: {{image: '{IMAGE}', x-aistack: {{memory_expected: 4096g}}}}")
    plan = yard.plan()
    assert "MiB of memory are missing" in plan.wire().problems[0]
    assert plan.problems == ()
    action, evidence = yard.preparer.prepare("stack.up", "")
    assert "more than is free now" in evidence.effect
    assert action.hash() == yard.preparer.prepare("stack.up", "")[0].hash(), "no number that changes by the second"
