"""Two people at once: one approves, the other denies; one wins, the other is told who, the action runs once."""

from __future__ import annotations

import json

import pytest
from tests.bed.backend import House, wait_until
from tests.bed.boxes import Boxes
from tests.bed.terminal import Terminal
from tests.e2e.conftest import Opener

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]
DEAD = 1.3


def ask(home: House, goal: str) -> dict[str, object]:
    """Ask for something and return the task that waits for a decision."""
    task: dict[str, object] = json.loads(home.cli("run", goal, "--planner", "rules", "--json").stdout)
    assert task["state"] == "awaiting approval", task
    return task


def open_dialog(screen: Terminal, title: str) -> None:
    """Go to the approvals and open the dialog of the only one that waits."""
    screen.press("4")
    screen.wait_for(title)
    screen.press("a")
    screen.wait_for("Approve with a")


def decisions(home: House) -> list[str]:
    """What the audit says was decided, newest first."""
    lines = home.cli("approvals", "--all", "--json").stdout
    return [one["state"] for one in json.loads(lines)["approvals"]]


def fight(home: House, boxes: Boxes, one: Terminal, other: Terminal) -> None:
    """Let two consoles decide the same approval at the same moment."""
    web = boxes.run("web")
    started = boxes.started_at(web)
    wait_until(lambda: web in home.cli("containers", code=None).stdout, 20, "the backend never saw it")
    task = ask(home, f"restart {web}")
    for screen in (one, other):
        open_dialog(screen, f"restart container {web}")
    one.watch(DEAD)
    other.watch(DEAD)
    other.press("d")
    other.wait_for("Type a reason")
    other.press("not now")
    other.wait_for("not now")  # an Enter in one piece with the words is held back: it could be a paste
    one.press("a")
    other.press("\r")
    wait_until(lambda: _over(home, task), 30, lambda: _unended(home, task, one, other))
    ran = boxes.started_at(web) != started
    state = json.loads(home.cli("tasks", str(task["id"]), "--json").stdout)["state"]
    assert state == ("done" if ran else "denied")
    loser = other if ran else one
    loser.wait_for(lambda text: "operator:" in text)
    assert decisions(home) == ["used" if ran else "denied"]
    assert "HOLDS" in home.cli("audit", "verify").stdout


def _over(home: House, task: dict[str, object]) -> bool:
    found = json.loads(home.cli("tasks", str(task["id"]), "--json").stdout)
    return found["state"] in ("done", "denied", "failed")


def _unended(home: House, task: dict[str, object], *screens: Terminal) -> str:
    shown = "\n".join(one.text for one in screens)
    return f"the task did not end: {home.cli('tasks', str(task['id']), '--json').stdout}\n{shown}\n{home.said()}"


def test_one_approves_and_the_other_denies(up: House, boxes: Boxes, console: Opener) -> None:
    fight(up, boxes, console(up, columns=120, lines=40), console(up, columns=120, lines=40))
