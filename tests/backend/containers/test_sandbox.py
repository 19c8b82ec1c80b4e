"""Shell commands in the sandbox: once a key, taken up again, never left behind."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.action import Action
from aistack_backend.containers import sandbox, sandbox_spec
from aistack_backend.containers.sandbox import OUTPUT, ShellTool
from aistack_backend.engine.tools import Fate, Nature
from aistack_backend.errors import BadInput
from aistack_backend.wire.sources import SourceState


def action(stage: Stage, script: str) -> Action:
    return sandbox.action(script, stage.podman.image("localhost/aistack-probe:1").id, "agent:planner", 1)


async def test_it_runs_and_leaves_nothing(stage: Stage) -> None:
    tool = ShellTool(stage.podman)
    wish = action(stage, "echo one; echo two >&2")
    assert tool.recheck(wish) == ""
    outcome = await tool.run("k", wish)
    assert (outcome.ok, outcome.text) == (True, "one\ntwo")
    assert stage.podman.list() == ()


async def test_a_failing_command(stage: Stage) -> None:
    outcome = await ShellTool(stage.podman).run("k", action(stage, "echo why; exit 3"))
    assert not outcome.ok
    assert outcome.text == "It ended with exit code 3.\nwhy"


async def test_long_output_is_cut_in_the_middle(stage: Stage) -> None:
    outcome = await ShellTool(stage.podman).run("k", action(stage, "seq 1 100000"))
    assert len(outcome.text) < OUTPUT + 100
    assert outcome.text.startswith("1\n2\n3\n")
    assert outcome.text.endswith("\n100000")
    assert "characters left out" in outcome.text


async def test_cancelling_removes_it(stage: Stage) -> None:
    running = asyncio.create_task(ShellTool(stage.podman).run("k", action(stage, "sleep 1000")))

    def until_it_runs() -> None:
        with stage.world.changed:
            assert stage.world.changed.wait_for(lambda: any(box.runs for box in stage.world.boxes.values()), 60)

    await asyncio.to_thread(until_it_runs)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.podman.list() == ()


@pytest.mark.parametrize("rounds", range(5))
async def test_cancelling_at_any_moment_removes_it(stage: Stage, rounds: int) -> None:
    for n in range(10):
        running = asyncio.create_task(ShellTool(stage.podman).run(f"{rounds} {n}", action(stage, "sleep 1000")))
        for _ in range(n):
            await asyncio.to_thread(threading.Event().wait, 0.0003 * rounds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        assert stage.podman.list() == ()


async def test_a_container_that_was_left_is_taken_up(stage: Stage) -> None:
    tool = ShellTool(stage.podman)
    wish = action(stage, "echo once; exit 0")
    ident = stage.podman.create(sandbox.spec("k", wish))
    stage.podman.start(ident)
    stage.podman.wait(ident, 10)
    outcome = await tool.run("k", wish)
    assert (outcome.ok, outcome.text) == (True, "once")
    starts = [event for event in stage.world.events if event.action == "start"]
    assert len(starts) == 1
    assert stage.podman.list() == ()


async def test_what_ran_and_is_gone_is_not_repeated(stage: Stage) -> None:
    tool = ShellTool(stage.podman)
    wish = action(stage, "echo once")
    assert (await tool.run("k", wish)).ok
    again = await tool.run("k", wish)
    assert not again.ok
    assert "not repeated" in again.text
    assert tool.probe("k", wish) == (Fate.UNKNOWN, None)


def test_probes(stage: Stage) -> None:
    tool = ShellTool(stage.podman)
    wish = action(stage, "echo x; exit 2")
    assert tool.nature(wish) is Nature.IDEMPOTENT
    assert tool.probe("k", wish) == (Fate.NOT_DONE, None)
    ident = stage.podman.create(sandbox.spec("k", wish))
    assert tool.probe("k", wish) == (Fate.NOT_DONE, None)
    assert stage.podman.list() == (), "what was created and not started is removed"
    ident = stage.podman.create(sandbox.spec("k", wish))
    stage.podman.start(ident)
    stage.podman.wait(ident, 10)
    fate, outcome = tool.probe("k", wish)
    assert fate is Fate.DONE
    assert outcome is not None
    assert not outcome.ok
    stage.world.go_down()
    assert tool.probe("other", wish) == (Fate.UNKNOWN, None)


def test_a_running_one_is_unknown(stage: Stage) -> None:
    wish = action(stage, "sleep 1000")
    stage.podman.start(stage.podman.create(sandbox.spec("k", wish)))
    assert ShellTool(stage.podman).probe("k", wish) == (Fate.UNKNOWN, None)


async def test_another_container_than_approved_is_not_started(stage: Stage) -> None:
    wish = action(stage, "echo x")
    ident = stage.podman.create(sandbox.spec("k", wish))
    box = stage.world.find(ident)
    box.extra = {**box.extra, "HostConfig": {**box.extra["HostConfig"], "Privileged": True}}
    outcome = await ShellTool(stage.podman).run("k", wish)
    assert not outcome.ok
    assert "another container than approved" in outcome.text
    assert "start" not in [event.action for event in stage.world.events]
    assert stage.podman.list() == ()


async def test_a_foreign_container_of_its_name_is_not_touched(stage: Stage) -> None:
    wish = action(stage, "echo x")
    ident = stage.world.add(sandbox.spec("k", wish).name)
    with pytest.raises(BadInput, match="not ours"):
        await ShellTool(stage.podman).run("k", wish)
    assert stage.podman.list([ident])


@pytest.mark.parametrize(
    "change",
    [
        {"network": "host"},
        {"user": "0:0"},
        {"mounts": ("/:/host",)},
        {"limits": ()},
        {"argv": ("/bin/sh", "-c", "other")},
        {"cwd": "/"},
        {"env": (("LD_PRELOAD", "0"),)},
    ],
)
def test_only_the_sandbox_is_to_be_had(stage: Stage, change: dict[str, object]) -> None:
    wish = replace(action(stage, "echo x"), **change)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="differ"):
        sandbox.spec("k", wish)
    assert ShellTool(stage.podman).recheck(wish)


def test_recheck_wants_the_image(stage: Stage) -> None:
    wish = replace(action(stage, "echo x"), image="0" * 64)
    assert "image" in ShellTool(stage.podman).recheck(wish)
    stage.world.go_down(SourceState.REFUSED)
    assert ShellTool(stage.podman).recheck(wish)


def test_every_difference_is_seen(stage: Stage) -> None:
    wish = sandbox.spec("k", action(stage, "echo x"))
    document = stage.podman.inspect(stage.podman.create(wish)).document
    assert sandbox_spec.differences(wish, document) == ()
    odd: list[tuple[str, str, object]] = [
        ("Config", "User", "0:0"),
        ("Config", "Cmd", ["sh"]),
        ("Config", "WorkingDir", "/"),
        ("Config", "Timeout", 0),
        ("Config", "Labels", {}),
        ("HostConfig", "NetworkMode", "host"),
        ("HostConfig", "ReadonlyRootfs", False),
        ("HostConfig", "Privileged", True),
        ("HostConfig", "CapAdd", ["CAP_SYS_ADMIN"]),
        ("HostConfig", "SecurityOpt", []),
        ("HostConfig", "Binds", ["/:/host"]),
        ("HostConfig", "Tmpfs", {"/tmp": "size=64m,exec"}),
        ("HostConfig", "Tmpfs", {}),
        ("HostConfig", "Devices", [{"PathOnHost": "/dev/kvm"}]),
        ("HostConfig", "PidMode", "host"),
        ("HostConfig", "Memory", 0),
        ("HostConfig", "CpuQuota", 0),
        ("HostConfig", "PidsLimit", 0),
        ("HostConfig", "Ulimits", []),
    ]
    for part, key, value in odd:
        changed = {**document, part: {**document[part], key: value}}
        assert sandbox_spec.differences(wish, changed), (part, key)
    for key, value in (("Name", "x"), ("Image", "x"), ("EffectiveCaps", ["CAP_KILL"]), ("Mounts", [{"Type": "bind"}])):
        assert len(sandbox_spec.differences(wish, {**document, key: value})) == 1, key
