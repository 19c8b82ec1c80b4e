"""Leaving: the terminal is as it was, whichever way the console ends (R3.5, R5.8)."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bed.terminal import Terminal

COMMAND = (str(Path(sys.executable).with_name("aistack-console")), "--no-start")
RESTORED = (b"?1049l", b"?1000l", b"?1006l", b"?25h", b"?2004l")


def env(folder: Path) -> dict[str, str]:
    return {**os.environ, "AISTACK_DATA_DIR": str(folder), "AISTACK_CONFIG": str(folder / "config.toml")}


def kill(number: int) -> Callable[[Terminal], None]:
    return lambda terminal: os.kill(terminal.child.pid, number)


WAYS: dict[str, Callable[[Terminal], None]] = {
    "q": lambda terminal: terminal.press("q"),
    "Ctrl+C twice": lambda terminal: terminal.press("\x03\x03"),
    "SIGTERM": kill(signal.SIGTERM),
    "SIGHUP": kill(signal.SIGHUP),
    "SIGINT": kill(signal.SIGINT),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_terminal_is_as_it_was(way: str, tmp_path: Path) -> None:
    with Terminal(COMMAND, env(tmp_path)) as terminal:
        terminal.wait_for("quit")
        terminal.wait_for("BACKEND DOWN")
        del terminal.raw[:]
        WAYS[way](terminal)
        left = terminal.child.read()
        written = bytes(terminal.raw) + left
        assert not [code for code in RESTORED if code not in written], written[-300:]
        assert b"Traceback" not in written


def test_a_terminal_that_is_gone_ends_the_console(tmp_path: Path) -> None:
    """Even with SIGHUP ignored, as under nohup: nothing keeps running behind a closed terminal."""
    ignoring = ("sh", "-c", f"trap '' HUP; exec {COMMAND[0]} --no-start")
    with Terminal(ignoring, env(tmp_path)) as terminal:
        terminal.wait_for("quit")
        handle = os.pidfd_open(terminal.child.pid)
        terminal.hang_up()
        ended, _, _ = select.select([handle], [], [], 5.0)
        os.close(handle)
        assert ended, "still running behind a closed terminal"
