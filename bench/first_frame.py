"""From the command to the first useful frame on a running backend: a container's name on the screen."""

from __future__ import annotations

import subprocess
import time

from tests.bed.backend import CONSOLE, House
from tests.bed.terminal import Terminal

from bench.figures import Figure, spread
from bench.stage import fleet, running_house

TIMES = 7


def run() -> list[Figure]:
    """Open the console on a running backend with 20 and with 100 containers; and print its version."""
    told = []
    for count, goal in ((20, "<= 450"), (100, "<= 500")):
        with fleet(count) as boxes, running_house(AISTACK_CONSOLE_START_SCREEN="services") as home:
            _open(home, boxes.prefix)  # the first one reads every file from the disk
            told += spread(
                f"first useful frame, {count} containers", [_open(home, boxes.prefix) for _ in range(TIMES)], goal
            )
    return [*told, *spread("aistack-console --version", [_version() for _ in range(TIMES)])]


def _open(home: House, wanted: str) -> float:
    began = time.monotonic()
    with Terminal([CONSOLE], home.env, 120, 40) as console:
        console.wait_for(wanted)
        return time.monotonic() - began


def _version() -> float:
    began = time.monotonic()
    subprocess.run([CONSOLE, "--version"], check=True, capture_output=True)
    return time.monotonic() - began
