"""What a terminal says by itself comes in like typed keys. None of it may decide anything (R3.4)."""

from __future__ import annotations

import json
import random

import pytest
from tests.bed.backend import House, wait_until
from tests.bed.boxes import Boxes
from tests.e2e.conftest import Opener

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]
DEAD = 1.3
REPORTS = (
    "\x1b[?1;2c",  # what it is
    "\x1b[>41;380;0c",
    "\x1b[=0c",
    "\x1b[0n",  # that it is well
    "\x1b[12;40R",  # where the cursor is
    "\x1b[?12;40R",
    "\x1bP>|approve(1)\x1b\\",  # its name and version
    "\x1b]lapprove\x1b\\",  # its title, echoed
    "\x1b]La\r\x1b\\",
    "\x1b]11;rgb:0000/0000/0000\x07",  # its colours
    "\x1b]4;1;rgb:aaaa/aaaa/aaaa\x1b\\",
    "\x1b]52;c;YQphCg==\x07",  # its clipboard
    "\x1b[I\x1b[O",  # focus
    "\x1b[200~a\ny\n\x1b[201~",  # a paste in brackets
    "\x1b[?2004;1$y",  # a mode
    "\x1b[8;24;80t",  # its size
    "\x1bP1$r0m\x1b\\",  # a setting
    "\x1b[?0u",  # how it encodes keys
    "\x1b[<0;40;12M\x1b[<0;40;12m",  # a click in the middle
    "\x1bOa\x1bOd",
)


def test_fifty_streams_of_reports_decide_nothing(up: House, boxes: Boxes, console: Opener) -> None:
    web = boxes.run("web")
    started = boxes.started_at(web)
    wait_until(lambda: web in up.cli("containers", code=None).stdout, 20, "the backend never saw it")
    asked = json.loads(up.cli("run", f"restart {web}", "--planner", "rules", "--json").stdout)
    screen = console(up)
    screen.press("4")
    screen.wait_for(f"restart container {web}")
    rng = random.Random(4)
    for number in range(50):
        if number % 10 == 0:  # a click of a stream may have closed it
            screen.press("a" if "deny with a reason" not in screen.text else "")
            screen.wait_for("deny with a reason")
            screen.watch(DEAD)
        screen.press("".join(rng.sample(REPORTS, k=rng.randint(1, 6))))
        screen.watch(0.05)
    state = json.loads(up.cli("approvals", str(asked["approval_id"]), "--json").stdout)["state"]
    assert (state, boxes.started_at(web)) == ("pending", started)
    assert "decided" not in up.cli("audit", "list", "--text", "approval.decide").stdout
