"""Found in review: what the tools claim about a container that lived on, and what the sandbox did not compare."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.action import Action
from aistack_backend.containers import sandbox, sandbox_spec
from aistack_backend.containers.prepare import Preparer
from aistack_backend.containers.sandbox import ShellTool
from aistack_backend.containers.service import pick
from aistack_backend.containers.tools import ContainerTool
from aistack_backend.engine.tools import Fate
from aistack_backend.wire.containers import ContainerState

KEY = "7:1:a7:1"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A world in memory."""
    made = Stage()
    yield made
    made.close()


def prepared(stage: Stage, verb: str) -> Action:
    """Return the pinned action on the container web."""
    return Preparer(stage.podman, stage.containers).prepare(f"container.{verb}", "web")[0]


async def test_a_container_that_runs_anew_is_never_told_as_stopped(stage: Stage) -> None:
    ident = stage.world.add("web", ["sleep", "1000"])
    tool, action = ContainerTool(stage.podman), prepared(stage, "stop")
    stage.podman.stop(ident, 1)
    stage.podman.start(ident)
    fate, found = tool.probe(KEY, action)
    outcome = await tool.run(KEY, action)
    assert stage.podman.inspect(ident).container.state is ContainerState.RUNNING
    told = [outcome.text] + ([found.text] if fate is Fate.DONE and found else [])
    assert not [text for text in told if "web is stopped" in text], told
    assert all("anew" in text for text in told), told


def test_a_killed_container_that_its_policy_started_anew_is_told_so(stage: Stage) -> None:
    ident = stage.world.add("web", ["sleep", "1000"])
    tool, action = ContainerTool(stage.podman), prepared(stage, "kill")
    stage.podman.kill(ident)
    stage.podman.start(ident)
    _, found = tool.probe(KEY, action)
    assert found is not None
    assert "web is killed" not in found.text
    assert "anew" in found.text


def test_a_command_that_ran_two_hours_ago_and_left_nothing_is_not_told_as_not_run(stage: Stage) -> None:
    image = stage.world.add_image("localhost/aistack-sandbox:1")
    action = sandbox.action("true", image.id, "agent:test", 7)
    tool = ShellTool(stage.podman)
    name = sandbox.spec(KEY, action).name
    stage.podman.start(stage.podman.create(sandbox.spec(KEY, action)))
    stage.podman.remove(name, force=True)
    before = int((time.time() - 7_200) * 1e9)
    stage.world.events[:] = [replace(event, nanos=before) for event in stage.world.events]
    assert tool.probe(KEY, action)[0] is Fate.UNKNOWN


def test_a_sandbox_with_an_entry_point_of_its_image_is_not_the_approved_one(stage: Stage) -> None:
    image = stage.world.add_image("localhost/aistack-sandbox:1")
    wanted = sandbox.spec(KEY, sandbox.action("true", image.id, "agent:test", 7))
    made: Mapping[str, Any] = stage.podman.inspect(stage.podman.create(wanted)).document
    assert sandbox_spec.differences(wanted, made) == ()
    for entry in ("/entry.sh", ["/entry.sh"]):
        other = {**made, "Config": {**made["Config"], "Entrypoint": entry}}
        assert any(phrase.startswith("entry point") for phrase in sandbox_spec.differences(wanted, other))
    nothing: tuple[Any, ...] = ("", [], None)
    for none in nothing:
        same = {**made, "Config": {**made["Config"], "Entrypoint": none}}
        assert sandbox_spec.differences(wanted, same) == ()


def test_no_name_takes_the_place_of_another_containers_full_id(stage: Stage) -> None:
    ident = stage.world.add("web", ["sleep", "1000"])
    stage.world.add(ident, ["sleep", "1000"])  # the name is the other's id
    assert pick(ident, stage.podman.list()).name == "web"
    assert stage.podman.inspect(ident).container.name == "web"
