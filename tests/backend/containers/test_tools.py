"""The tools: they do what was pinned, once, and can tell afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.action import Action
from aistack_backend.containers.prepare import CONTAINER_KINDS, Preparer
from aistack_backend.containers.tools import ContainerTool
from aistack_backend.engine.tools import Fate, Nature, Registry, Tool
from aistack_backend.errors import BadInput
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.sources import SourceState


class Kit:
    """Tool and preparer over one stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.preparer = Preparer(stage.podman, stage.containers)
        self.nudged: list[str] = []
        self.tool = ContainerTool(stage.podman, self.nudged.append)

    def action(self, verb: str, name: str = "web") -> Action:
        return self.preparer.prepare(f"container.{verb}", name)[0]

    def state(self, ident: str) -> ContainerState:
        return self.stage.podman.list([ident])[0].state


@pytest.fixture
def kit(stage: Stage) -> Kit:
    return Kit(stage)


def test_it_is_a_tool_of_every_container_kind(kit: Kit) -> None:
    registry = Registry()
    checked: Tool = kit.tool
    registry.register(checked)
    assert set(registry.kinds()) == CONTAINER_KINDS


@pytest.mark.parametrize(
    ("verb", "running", "after"),
    [
        ("start", False, ContainerState.RUNNING),
        ("stop", True, ContainerState.EXITED),
        ("restart", True, ContainerState.RUNNING),
        ("kill", True, ContainerState.EXITED),
        ("pause", True, ContainerState.PAUSED),
    ],
)
async def test_each_verb(kit: Kit, verb: str, running: bool, after: ContainerState) -> None:
    ident = kit.stage.world.add("web", running=running)
    before = kit.stage.podman.inspect(ident).started
    action = kit.action(verb)
    assert kit.tool.recheck(action) == ""
    assert kit.tool.probe("k", action) == (Fate.NOT_DONE, None)
    outcome = await kit.tool.run("k", action)
    assert outcome.ok, outcome.text
    assert kit.state(ident) is after
    fate, found = kit.tool.probe("k", action)
    assert fate is Fate.DONE
    assert found is not None
    assert found.text == outcome.text
    assert kit.nudged == [ident]
    assert (kit.stage.podman.inspect(ident).started != before) is (verb in ("start", "restart"))


async def test_unpause_and_remove(kit: Kit) -> None:
    ident = kit.stage.world.add("web")
    kit.stage.podman.pause(ident)
    assert (await kit.tool.run("k", kit.action("unpause"))).ok
    action = kit.action("remove")
    assert (await kit.tool.run("k", action)).ok
    assert kit.stage.podman.list([ident]) == ()
    assert kit.tool.probe("k", action)[0] is Fate.DONE
    assert (await kit.tool.run("k", action)).ok


@pytest.mark.parametrize("verb", ["stop", "restart", "kill", "pause", "remove"])
@pytest.mark.parametrize("change", ["restarted", "reconfigured", "made anew", "removed"])
async def test_a_changed_container_is_left_alone(kit: Kit, verb: str, change: str) -> None:
    ident = kit.stage.world.add("web")
    action = kit.action(verb)
    if change == "restarted":
        kit.stage.podman.restart(ident, 1)
    elif change == "reconfigured":
        kit.stage.world.find(ident).command = ("evil",)
    else:
        kit.stage.podman.remove(ident, force=True)
        if change == "made anew":
            ident = kit.stage.world.add("web")
    assert kit.tool.recheck(action).endswith(".")
    before = kit.stage.podman.list()
    outcome = await kit.tool.run("k", action)
    assert kit.stage.podman.list() == before, "nothing may have changed"
    same_end = (verb == "remove" and change in ("removed", "made anew")) or (verb == "stop" and change == "restarted")
    assert outcome.ok is same_end


def test_natures(kit: Kit) -> None:
    kit.stage.world.add("web")
    assert kit.tool.nature(kit.action("restart")) is Nature.EFFECT
    assert kit.tool.nature(kit.action("kill")) is Nature.EFFECT
    assert kit.tool.nature(kit.action("stop")) is Nature.IDEMPOTENT


async def test_a_repeated_stop_or_start_is_fine(kit: Kit) -> None:
    ident = kit.stage.world.add("web")
    stop = kit.action("stop")
    assert (await kit.tool.run("k", stop)).ok
    assert (await kit.tool.run("k", stop)).ok
    start = kit.action("start")
    assert (await kit.tool.run("k", start)).ok
    started = kit.stage.podman.inspect(ident).started
    assert (await kit.tool.run("k", start)).ok
    assert kit.stage.podman.inspect(ident).started == started


async def test_a_restart_is_never_repeated(kit: Kit) -> None:
    ident = kit.stage.world.add("web")
    action = kit.action("restart")
    assert (await kit.tool.run("k", action)).ok
    started = kit.stage.podman.inspect(ident).started
    again = await kit.tool.run("k", action)
    assert not again.ok
    assert "started anew" in again.text
    assert kit.stage.podman.inspect(ident).started == started


async def test_podman_is_away(kit: Kit) -> None:
    kit.stage.world.add("web")
    action = kit.action("stop")
    kit.stage.world.go_down(SourceState.REFUSED)
    assert kit.tool.recheck(action)
    assert kit.tool.probe("k", action) == (Fate.UNKNOWN, None)
    assert not (await kit.tool.run("k", action)).ok


def test_an_action_without_its_target_is_refused(kit: Kit) -> None:
    kit.stage.world.add("web")
    action = kit.action("stop")
    for targets in (
        (),
        action.targets * 2,
        (replace(action.targets[0], type="volume"),),
        (replace(action.targets[0], id=""),),
    ):
        with pytest.raises(BadInput):
            kit.tool.recheck(replace(action, targets=targets))


async def test_cancelling_waits_for_the_call(kit: Kit) -> None:
    ident = kit.stage.world.add("web")
    running = asyncio.create_task(kit.tool.run("k", kit.action("stop")))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert kit.state(ident) is ContainerState.EXITED, "the call had begun and has ended"
