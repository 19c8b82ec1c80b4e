"""Exit codes in words, and whether memory ran out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.containers import detail
from aistack_backend.containers.parse import inspected
from aistack_backend.wire.containers import ContainerState


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, ""),
        (0, "ended by itself without an error"),
        (1, "ended with error 1"),
        (127, "its command was not found"),
        (137, "killed by signal 9 (SIGKILL)"),
        (143, "killed by signal 15 (SIGTERM)"),
        (160, "killed by signal 32"),
        (255, "ended with error 255"),
    ],
)
def test_exit_reason(code: int | None, words: str) -> None:
    assert detail.exit_reason(code) == words


def test_out_of_memory_beats_the_code() -> None:
    assert detail.exit_reason(137, oom_killed=True) == "killed: out of memory"


def document(**state: object) -> dict[str, object]:
    return {"Id": "a", "Name": "x", "State": {"Status": "running", "CgroupPath": "/p/c", **state}}


@pytest.mark.parametrize(("count", "killed"), [(0, False), (2, True)])
@pytest.mark.parametrize("file", ["memory/p/c/memory.oom_control", "p/c/memory.events"])
def test_the_control_group_counts(tmp_path: Path, file: str, count: int, killed: bool) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"low 0\noom_kill {count}\n")
    assert detail.oom_killed(inspected(document()), tmp_path) is killed


def test_after_an_exit_with_137_on_cgroup_v1_nobody_knows(tmp_path: Path) -> None:
    ended = inspected(document(Status="exited", ExitCode=137, FinishedAt="2026-11-23T00:31:25Z"))
    assert detail.oom_killed(ended, tmp_path) is None
    (tmp_path / "cgroup.controllers").touch()
    assert detail.oom_killed(ended, tmp_path) is False
    assert detail.oom_killed(inspected(document(OOMKilled=True)), tmp_path) is True


async def test_detail_of_a_container_with_health(stage: Stage) -> None:
    ident = stage.world.add("web", ("sleep", "1000"), health=("CMD-SHELL", "false"))
    stage.podman.healthcheck(ident, 5)
    got = await stage.containers.detail("web")
    assert got.container.state is ContainerState.RUNNING
    assert got.health_command == ("CMD-SHELL", "false")
    assert [run.exit_code for run in got.health_log] == [1]
    assert got.exit_reason == ""
    assert got.restart_policy == "no"
