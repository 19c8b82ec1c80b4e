"""Ralph on the note's port: its own curl line, and that tasks really run, wait, are not stopped by a role, and survive.

Not in it yet: real NixOS packages (issue 6 brings the index), and the routing that the coordinator decides (issue 5).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import PROBE, podman

pytestmark = [pytest.mark.podman, pytest.mark.stack, pytest.mark.timeout(120)]
URL = "http://localhost:8090"
LINE = """curl -sS -X POST http://localhost:8090/execute \\
  -H "Content-Type: application/json" \\
  -d '{"task": "List available NixOS packages", "require_approval": false}'"""


@pytest.fixture
def home() -> Iterator[House]:
    with house(AISTACK_STACK_LISTEN="note") as made:
        made.start()
        wait_until(lambda: health()["status"] == "ok", 30, made.said)
        yield made


@pytest.fixture
def lab(unique: str) -> Iterator[str]:
    """A container of ours that stands still."""
    name = f"{unique.strip('-')}-lab"
    podman("create", "--pull=never", "--name", name, "--label", "io.aistack.managed=true", PROBE, "sleep", "1000")
    yield name
    podman("rm", "-f", "-t", "0", name, check=False)


def ask(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the port by curl, as a person does."""
    sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
    done = subprocess.run(
        ["curl", "-sS", "-m", "70", *sent, URL + path], capture_output=True, text=True, check=False, timeout=80
    )
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"status": done.stderr}
    return found


def health() -> dict[str, Any]:
    return ask("/health")


def test_the_notes_line_verbatim(home: House) -> None:
    said = json.loads(subprocess.run(["sh", "-c", LINE], capture_output=True, text=True, check=True, timeout=80).stdout)
    assert (said["state"], said["result"]) == ("failed", "")
    assert said["reason"].startswith("No index of NixOS packages is here, so there is no list to give.")


def test_tasks_run_wait_and_outlive_the_backend(home: House, lab: str) -> None:
    wait_until(lambda: lab in home.cli("containers", code=None).stdout, 30, home.said)
    ran = ask("/execute", {"task": f"start {lab}", "planner": "rules"})
    assert ran["state"] == "done", ran
    assert podman("inspect", "-f", "{{.State.Status}}", lab) == "running"
    held = ask("/execute", {"task": f"stop {lab}", "planner": "rules", "require_approval": False})
    assert held["state"] == "awaiting approval"
    assert ask(f"/tasks/{held['task_id']}/stop", {})["type"] == "refused"
    home.stop_backend()
    home.start()
    wait_until(lambda: health()["status"] == "ok", 30, home.said)
    assert ask(f"/tasks/{held['task_id']}")["state"] == "awaiting approval"
    assert podman("inspect", "-f", "{{.State.Status}}", lab) == "running"
    home.cli("stop", str(held["task_id"]))
    assert ask(f"/tasks/{held['task_id']}/result")["ended"]
    assert ask("/stats")["by_state"] == {"done": 1, "stopped": 1}
