"""Following a container that prints 100,000 lines as fast as it can, and keys pressed meanwhile."""

from __future__ import annotations

import time
from functools import partial

from tests.bed.boxes import podman
from tests.bed.terminal import Terminal

from bench.figures import Figure, percentile
from bench.keys import until
from bench.stage import fleet, open_console, running_house, use

LINES = 100_000
LONGEST = 60.0
APART = 0.03
"""Seconds between two pairs of keys."""
FLOOD = f"awk 'BEGIN{{for(i=1;i<={LINES};i++)print \"line \" i}}'"
PRINTER = ("sh", "-c", f"until [ -e /tmp/go ]; do sleep 0.05; done; {FLOOD}; echo THE END $((6 * 7)); exec sleep 600")
LAST = "THE END 42"
"""What only the log says: the command line of the container, which is on the screen too, does not."""


def run() -> list[Figure]:
    """Open its log, let it print, and wait for its last line."""
    with fleet(0) as boxes, running_house() as home, open_console(home) as console:
        name = boxes.run("printer", *PRINTER)
        _open_log(console, name)
        podman("exec", name, "touch", "/tmp/go")
        began, keys = time.monotonic(), []
        while LAST not in console.text and time.monotonic() - began < LONGEST:
            keys += _two_keys(console)
            console.watch(APART)
        done = time.monotonic() - began if LAST in console.text else None
        memory, status = use(console.child.pid).rss / 2**20, console.line("lines")
    print(f"  the log's status line at the end: {status.strip()}")
    return [
        Figure(name=f"follow: last of {LINES:,} lines on the screen", value=done, unit="s", goal="<= 3"),
        Figure(name="follow: console memory", value=memory, unit="MiB", goal="<= 120"),
        Figure(
            name=f"follow: key to screen meanwhile, p95 of {len(keys)}",
            value=percentile(keys, 0.95) * 1000,
            unit="ms",
            goal="<= 15",
        ),
    ]


def _open_log(console: Terminal, name: str) -> None:
    console.press("2")
    console.wait_for(name)
    console.press("/")
    console.settle()
    console.press("printer\r")
    console.settle()
    console.press("l")
    console.wait_for("FOLLOW")


def _two_keys(console: Terminal) -> list[float]:
    """Stop following and follow again: each key has a word of its own on the log's status line."""
    row = next(y for y, line in enumerate(console.screen.display) if "lines" in line)
    return [until(console, "f", partial(_says, console, row, word)) for word in ("HELD", "FOLLOW")]


def _says(console: Terminal, row: int, word: str) -> bool:
    return word in "".join(console.screen.buffer[row][x].data for x in range(console.screen.columns))
