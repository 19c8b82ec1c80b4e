"""The Ralph loop on real containers: a failing repository made green through the gate, and every way it may end."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.backend import House, wait_until
from tests.bed.loops import IMAGE, PROOF, SUMS, repository

pytestmark = [pytest.mark.podman, pytest.mark.engine, pytest.mark.timeout(240)]


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Path]:
    yield repository(tmp_path / "repo")
    assert boxes() == [], "a loop's containers go with it"


def boxes() -> list[str]:
    """The containers of loops that exist now."""
    said = subprocess.run(
        ["podman", "ps", "-a", "--filter", "name=aistack-loop-", "--format", "{{.Names}}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in said.stdout.split() if name.endswith(("-agent", "-proof"))]


def asked(repo: Path, *more: str, proof: str = PROOF) -> tuple[str, ...]:
    words = ("loop", "run", "make the tests pass", "--source", str(repo), "--proof", proof, "--check", "tests")
    return (*words, "--image", IMAGE, "--yes", "--json", *more)


def shown(home: House, number: int) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(home.cli("loop", "show", str(number), "--json").stdout)
    return said


def began(home: House, repo: Path, *more: str) -> int:
    number = int(json.loads(home.cli(*asked(repo, *more)).stdout)["id"])
    wait_until(lambda: bool(boxes()), 30, lambda: home.said())
    return number


def test_a_failing_repository_is_made_green(up: House, repo: Path) -> None:
    done = json.loads(up.cli(*asked(repo, "--wait")).stdout)
    assert (done["state"], done["planner"]) == ("done", ""), done
    loop = shown(up, done["id"])
    assert [one["state"] for one in loop["passes"]] == ["refuted", "refuted", "proven"]
    assert all("1 file changed" in one["changed"] for one in loop["passes"])
    assert "failing tests: 3 before, 2 after" in loop["passes"][0]["agent_output"]
    assert (repo / "sums.py").read_text() == SUMS, "the person's own folder is never written"

    patch = up.cli("loop", "diff", str(done["id"])).stdout
    subprocess.run(["git", "apply", "-"], cwd=repo, input=patch + "\n", text=True, check=True)
    subprocess.run(["python3", "-m", "unittest", "-q", "tests.test_sums"], cwd=repo, check=True, capture_output=True)
    assert "HOLDS" in up.cli("audit", "verify").stdout.upper()


def test_an_agent_that_edits_the_check_gains_nothing(up: House, repo: Path) -> None:
    cheat = "echo pass > tests/test_sums.py; ln -sf /etc tests/more; rm -rf tests/__init__.py"
    words = asked(repo, "--wait", "--command", cheat, "--limit", "unchanged=2")
    done = json.loads(up.cli(*words, code=1).stdout)
    assert done["state"] == "exhausted"
    assert "unchanged 2 of 2" in done["reason"] + done["result"]
    loop = shown(up, done["id"])
    assert [one["restored"] for one in loop["passes"]] == [["tests"], ["tests"]]
    assert [one["changed"] for one in loop["passes"]] == ["", ""]


def test_pause_resume_guide_and_stop(up: House, repo: Path) -> None:
    number = began(up, repo, "--command", "cat /loop/guidance.txt > said; sleep 100")
    before = time.monotonic()
    up.cli("pause", str(number))
    wait_until(lambda: state(up, number) == "paused", 10, lambda: str(shown(up, number)))
    assert boxes() == []
    paused = time.monotonic() - before
    up.cli("resume", str(number))
    wait_until(lambda: bool(boxes()), 20, lambda: str(shown(up, number)))
    up.cli("loop", "guide", str(number), "use", "both", "--now")
    wait_until(lambda: len(shown(up, number)["passes"]) == 3, 20, lambda: str(shown(up, number)))
    loop = shown(up, number)
    assert [one["state"] for one in loop["passes"]] == ["interrupted", "interrupted", "working"]
    assert loop["passes"][2]["guidance"] == "use both"
    before = time.monotonic()
    up.cli("stop", str(number))
    wait_until(lambda: state(up, number) == "stopped", 10, lambda: str(shown(up, number)))
    assert boxes() == []
    print(f"paused after {paused:.2f} s, stopped after {time.monotonic() - before:.2f} s")
    assert max(paused, time.monotonic() - before) < 6  # 3 s is promised; the command line itself takes 1 s here


def test_a_killed_backend_takes_the_running_pass_up_again(up: House, repo: Path) -> None:
    number = began(up, repo, "--command", "sleep 4; sed -i s/min/max/ sums.py", "--limit", "passes=1")
    (left,) = boxes()
    assert up._backend is not None
    up._backend.kill()
    up._backend.wait()
    assert boxes() == [left], "the container goes on by itself"
    up.start()
    wait_until(lambda: state(up, number) == "exhausted", 60, lambda: f"{shown(up, number)} {up.said()}")
    (only,) = shown(up, number)["passes"]
    assert (only["state"], only["agent_code"]) == ("refuted", 0)
    assert "1 file changed" in only["changed"]


def swapped(repo: Path) -> None:
    """The folder is another one now, with the same names in it."""
    repo.rename(repo.with_name("old"))
    repo.symlink_to(repo.with_name("old"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file's text": lambda repo: (repo / "sums.py").write_text("import os\n"),
    "one more file": lambda repo: (repo / "conftest.py").write_text(""),
    "a file is gone": lambda repo: (repo / "tests" / "__init__.py").unlink(),
    "a file may run": lambda repo: (repo / "sums.py").chmod(0o755),
    "a link in its place": lambda repo: (
        (repo / "sums.py").rename(repo / ".." / "s"),
        (repo / "sums.py").symlink_to("../s"),
    ),
    "a link in the folder's place": swapped,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_changed_since_is_not_worked_on(up: House, repo: Path, change: str) -> None:
    words = [word for word in asked(repo) if word != "--yes"]
    task = json.loads(up.cli(*words).stdout)
    CHANGES[change](repo)
    (waiting,) = json.loads(up.cli("approvals", "--json").stdout)["approvals"]
    up.cli("approve", str(waiting["id"]), "--yes", "--code", waiting["code"])
    wait_until(lambda: state(up, task["id"]) == "failed", 20, lambda: up.said())
    said = json.loads(up.cli("tasks", str(task["id"]), "--json").stdout)
    assert "no longer what was approved" in said["result"] or "is no folder" in said["result"] + said["reason"], said
    assert boxes() == [], "nothing ran"


def state(home: House, number: int) -> str:
    return str(json.loads(home.cli("tasks", str(number), "--json").stdout)["state"])


def test_the_commands_of_the_page_run(up: House, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    page = (Path(__file__).resolve().parents[2] / "docs" / "ralph.md").read_text()
    lines = [line for block in page.split("```sh\n")[1:] for line in block.split("```")[0].splitlines()]
    run, *others = [shlex.split(line)[1:] for line in lines]
    up.cli(*run, "--yes", "--wait")
    ended = {"pause", "resume", "stop", "guide"}
    for words in others:
        up.cli(*words, code=1 if ended & set(words) else 0)


def test_stop_all_ends_everything(up: House, repo: Path) -> None:
    first = began(up, repo, "--command", "sleep 100")
    waits = int(json.loads(up.cli(*(word for word in asked(repo) if word != "--yes")).stdout)["id"])
    before = time.monotonic()
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(up.socket))
        one.sendall(
            b"POST /v1/tasks/stop-all HTTP/1.1\r\nHost: localhost\r\nX-Aistack-Via: cli\r\n"
            b"Content-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        assert b" 200 " in one.recv(64)
    wait_until(lambda: not boxes(), 10, lambda: str(boxes()))
    assert time.monotonic() - before < 3
    wait_until(lambda: {state(up, first), state(up, waits)} == {"stopped"}, 10, lambda: state(up, first))
