"""The same over two real SSH logins."""

from __future__ import annotations

import os

import pytest
from tests.bed.backend import CONSOLE, House
from tests.bed.boxes import Boxes
from tests.bed.sshd import sshd
from tests.bed.terminal import Terminal
from tests.e2e.test_two_consoles import fight

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]


def test_two_logins_decide_at_once(up: House, boxes: Boxes) -> None:
    with (
        sshd(up) as login,
        Terminal(login.command(CONSOLE), os.environ, 120, 40) as one,
        Terminal(login.command(CONSOLE), os.environ, 120, 40) as other,
    ):
        one.wait_for("HOST")
        other.wait_for("HOST")
        fight(up, boxes, one, other)
        one.press("\x1bq")
        other.press("\x1bq")


def test_80_by_24_in_ascii_without_colour(up: House) -> None:
    up.env["NO_COLOR"] = "1"
    up.env["AISTACK_CONSOLE_ASCII"] = "true"
    with sshd(up) as login, Terminal(login.command(CONSOLE), os.environ, 80, 24) as screen:
        for key, word in (("1", "HOST"), ("2", "SERVICES"), ("4", "APPROVALS"), ("5", "TASKS"), ("0", "AUDIT")):
            screen.press(key)
            screen.wait_for(word)
            assert screen.text.isascii(), screen.text
        colours = [part for part in bytes(screen.raw).split(b"\x1b[") if part[:3] in (b"38;", b"48;")]
        assert not colours
