"""The product's main job in one piece: see a real container, gate a real action, find it in the audit, and talk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from tests.bed.backend import House, house
from tests.bed.boxes import Boxes
from tests.bed.terminal import Terminal
from tests.e2e.conftest import Opener

pytestmark = [pytest.mark.podman, pytest.mark.engine, pytest.mark.timeout(240)]
DEAD = 1.3
"""Seconds after which keys count in a dialog (R1.15), and a little more."""


@pytest.fixture
def talking() -> Iterator[House]:
    """A house with no backend yet, whose model is on."""
    with house(AISTACK_MODEL_ENABLED="true") as made:
        yield made


def test_main_job(talking: House, boxes: Boxes, console: Opener) -> None:
    web = boxes.run("web", managed=False)  # not one of the stack's own: high risk
    started = boxes.started_at(web)

    screen = console(talking, columns=120, lines=40)  # no backend yet: the console starts it
    screen.press("2")
    screen.wait_for(lambda _: "OK" in screen.line(web), 60)

    said = talking.cli("run", f"restart {web}", "--planner", "rules").stdout
    assert "AWAITING APPROVAL" in said
    assert boxes.started_at(web) == started, "it ran before anybody said yes"

    approve(screen, talking, f"restart container {web}")
    screen.press("5")
    screen.wait_for(lambda _: "DONE" in screen.line(f"restart {web}").upper())
    assert boxes.started_at(web) != started

    screen.press("0")
    screen.wait_for(lambda text: "intent" in text.lower() and "outcome" in text.lower())
    screen.press("v")
    screen.wait_for("CHAIN OK")
    assert "HOLDS" in talking.cli("audit", "verify").stdout

    chat(screen)


def approve(screen: Terminal, home: House, title: str) -> None:
    """Approve what waits, by the dialog's rules: its code typed, no key counts in the first second."""
    (waiting,) = json.loads(home.cli("approvals", "--json").stdout)["approvals"]
    screen.press("4")
    screen.wait_for(title)
    screen.press("a")
    screen.wait_for(f"Type the code {waiting['code']}")
    screen.press("a")  # a key that was on its way does not count
    screen.watch(DEAD)
    screen.press("a")
    screen.settle()
    code = waiting["code"]
    screen.press(code)
    screen.wait_for(lambda text: any(line.strip(" ┃│") == code for line in text.splitlines()))
    screen.press("\r")  # not in one piece with the code: that is what a paste looks like
    screen.wait_for(lambda text: "APPROVED" in text.upper())


def chat(screen: Terminal) -> None:
    """Ask, see the answer come, and cancel it."""
    screen.press("6")
    screen.wait_for("instruct READY", 90)
    screen.press("Tell me a long story about the sea.\r")
    screen.wait_for(lambda text: re.search(r"\d+\.\d tok/s", text) is not None, 60)
    screen.press("\x1b")
    screen.wait_for("cancelled")
