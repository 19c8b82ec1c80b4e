"""From the command to the first useful frame on a running backend: the stack's rows and the count of all containers.

A bare Textual app is opened in turn with it, so that both figures stand on the same machine and load.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.bed.backend import CONSOLE, House
from tests.bed.terminal import Terminal

from bench.figures import Figure, spread
from bench.stage import fleet, running_house

TIMES = 7


BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("a bare frame")

Bare().run()
"""


def run() -> list[Figure]:
    """Open the console on a running backend with 20 and with 100 containers, and a bare app; and print its version."""
    told = []
    for count, goal in ((20, "<= 450"), (100, "<= 500")):
        with fleet(count), running_house(AISTACK_CONSOLE_START_SCREEN="services") as home:
            ours, bare = ([CONSOLE], f"{count} other containers"), ([sys.executable, "-c", BARE], "a bare frame")
            _open(home, *ours)  # the first one reads every file from the disk
            pairs = [(_open(home, *ours), _open(home, *bare)) for _ in range(TIMES)]
            told += spread(f"first useful frame, {count} containers", [one for one, _ in pairs], goal)
            told += spread("first frame of a bare Textual app beside it", [one for _, one in pairs])
    return [*told, *spread("aistack-console --version", [_version() for _ in range(TIMES)])]


def _open(home: House, command: list[str], wanted: str) -> float:
    began = time.monotonic()
    with Terminal(command, home.env, 120, 40) as console:
        console.wait_for(wanted)
        return time.monotonic() - began


def _version() -> float:
    began = time.monotonic()
    subprocess.run([CONSOLE, "--version"], check=True, capture_output=True)
    return time.monotonic() - began
