"""A terminal that is closed in the middle loses nothing: the backend goes on, and the next console sees the end."""

from __future__ import annotations

import json

import pytest
from tests.bed.backend import House, wait_until
from tests.bed.boxes import Boxes
from tests.e2e.conftest import Opener
from tests.e2e.test_two_consoles import DEAD, ask, open_dialog

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]


def test_the_task_ends_and_is_seen_by_the_next_console(home: House, boxes: Boxes, console: Opener) -> None:
    web = boxes.run("web", "sh", "-c", "trap 'sleep 2; exit 0' TERM; while :; do sleep 3600 & wait $!; done",
                    flags=("--stop-timeout=5",))  # fmt: skip
    screen = console(home, columns=120, lines=40)
    screen.press("2")
    screen.wait_for(lambda _: "OK" in screen.line(web), 60)
    task = ask(home, f"stop {web}")
    open_dialog(screen, f"stop container {web}")
    screen.watch(DEAD)
    screen.press("a")
    screen.wait_for("Approved")
    screen.hang_up()

    def state() -> str:
        return str(json.loads(home.cli("tasks", str(task["id"]), "--json").stdout)["state"])

    wait_until(lambda: state() == "done", 30, lambda: f"the task is {state()}")
    assert boxes.inspect(web)["State"]["Status"] == "exited"
    wait_until(lambda: not screen.child.isalive(), 10, "the console outlived its terminal")
    again = console(home, columns=120, lines=40)
    again.press("5")
    again.wait_for(lambda _: "DONE" in again.line(f"stop {web}").upper())
