"""A container whose labels, environment, command and log carry escape codes and markup: no screen obeys any of it."""

from __future__ import annotations

import pytest
from tests.bed.backend import House, wait_until
from tests.bed.boxes import Boxes
from tests.e2e.conftest import Opener

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]
ATTACKS = (
    "\x1b]0;0WN3D\x07",
    "\x1b]52;c;MFdOM0Q=\x07",
    "\x1b[2J\x1b[31mRED",
    "\x9b31m0WN3D",
    "\u202e0WN3D",
    "[@click=app.quit]0WN3D[/]",
    "[bold red]0WN3D",
    "\x1bP0WN3D\x1b\\",
    "\x1b]8;;http://127.0.0.1/0WN3D\x1b\\",
)
SCRIPT = "while :; do printf '%b\\n' \"$ATTACK\"; sleep 0.2; done"
FORBIDDEN = (b"\x1b]0;0WN3D", b"\x1b]52;c;MFdO", b"\x1b[31mRED", b"\x9b31m0WN3D", b"\x1bP0WN3D", b"\x1b]8;;http://127")


def test_no_screen_obeys_it(up: House, boxes: Boxes, console: Opener) -> None:
    flags = [part for number, text in enumerate(ATTACKS) for part in ("--label", f"l{number}={text}")]
    name = boxes.run("hostile", "sh", "-c", SCRIPT, *ATTACKS, flags=(*flags, "--env", f"ATTACK={''.join(ATTACKS)}"))
    wait_until(lambda: name in up.cli("containers", code=None).stdout, 20, "the backend never saw it")
    screen = console(up, columns=120, lines=40)
    screen.press("2")
    screen.wait_for("SERVICES")
    screen.press(f":svc {name}\r")
    screen.wait_for(f">{name}")
    for key in ("\t", "\t", "\t", "l", "1", "4", "5", "0", "?"):
        screen.press(key)
        screen.settle(0.4, 3)
        assert screen.child.isalive(), f"it ended after {key!r}:\n{screen.text}"
    for bad in FORBIDDEN:
        assert bad not in bytes(screen.raw)
    for verb in (("containers",), ("logs", name), ("status",)):
        said = up.cli(*verb, code=None).stdout
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said), verb
