"""From a key to what it changes on the Services screen, with live numbers of twenty and of a hundred containers."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from tests.bed.terminal import PATIENCE, Terminal

from bench.figures import Figure, spread
from bench.stage import fleet, open_console, running_house

TIMES = 100
APART = 0.06
"""Seconds between two keys, as a held key comes; the wait also takes in what the last one drew."""


def run() -> list[Figure]:
    """Move the cursor down and up again."""
    told = []
    for count in (20, 100):
        with fleet(count) as boxes, running_house() as home, open_console(home) as console:
            console.press("2")
            console.wait_for(f"{boxes.prefix}00")
            console.settle()
            console.press("g")
            console.settle()
            took = []
            for number in range(TIMES):
                console.watch(APART)
                down = number % 20 < 10
                row = _cursor(console) + (1 if down else -1)
                took.append(until(console, "j" if down else "k", partial(_at, console, row)))
        told += spread(f"Services, {count} containers: key to screen", took, "", "<= 15")
    return told


def until(console: Terminal, key: str, shown: Callable[[], bool]) -> float:
    """Press a key and return the seconds until the screen shows what it does.

    Raises:
        RuntimeError: it was not shown in time.
    """
    began = time.monotonic()
    console.press(key)
    while not shown():
        if not console._feed(PATIENCE):
            raise RuntimeError(f"The key {key!r} changed nothing; the screen:\n{console.text}")
    return time.monotonic() - began


def _at(console: Terminal, row: int) -> bool:
    return _cursor(console) == row


def _cursor(console: Terminal) -> int:
    """Return the row that the list's cursor is on; -1 = none."""
    buffer = console.screen.buffer
    return next((y for y in range(console.screen.lines) if buffer[y][0].data == ">"), -1)
