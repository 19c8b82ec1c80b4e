"""R3.1 in a real terminal: every byte that the console sends while hostile text is on it is one of Textual's own."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.bed.terminal import Terminal
from tests.console.hostile import Filler, payloads
from tests.console.stage import Stage, stage
from tests.console.test_hostile_screens import dress

from aistack_console.terminal import RING_EVERY

OWN = re.compile(
    rb"\x1b\[[\d;:]*m"  # colours and styles
    rb"|\x1b\[\d*(?:;\d*)?H"  # cursor place
    rb"|\x1b\]22;[a-z-]{1,20}\x07"  # shape of the mouse pointer
    rb"|\x1b\[\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"  # modes
    rb"|\x1b\[\?(?:2026|2048)\$p"  # what the terminal can do
    rb"|\x1b\[[<>=]\d*(?:;\d+)?u|\x1b\[\?u"  # keyboard protocol
)
"""What textual 8.2.8 sends by itself; everything else would come from the data."""
NO_COLOURS = re.compile(rb"\x1b\[([\d;:]*)m")


def foreign(raw: bytes) -> list[bytes]:
    """Return the control bytes that are left when Textual's own sequences are taken away, with what follows."""
    rest = OWN.sub(b"", raw).decode()
    return [rest[m.start() : m.start() + 20].encode() for m in re.finditer(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rest)]  # fmt: skip # noqa: E501


@contextmanager
def running_stage() -> Iterator[tuple[Stage, Callable[[Callable[[], object]], None]]]:
    """Serve a stage from a thread of its own; yield it and what runs a function in that thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = stage()
    on = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)

    async def call(work: Callable[[], object]) -> None:
        work()

    try:
        yield on, lambda work: asyncio.run_coroutine_threadsafe(call(work), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def start(on: Stage, size: tuple[int, int], **env: str) -> Terminal:
    command = [str(Path(sys.executable).parent / "aistack-console")]
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return Terminal(
        command, {**keep, "AISTACK_DATA_DIR": str(on.data), "AISTACK_CONFIG": str(on.data / "c.toml"), **env}, *size
    )


@pytest.mark.parametrize("size", [(80, 24), (190, 40)])
def test_only_our_own_control_bytes_reach_the_terminal(size: tuple[int, int]) -> None:
    fill, began = Filler(payloads(size[0])), time.monotonic()
    with running_stage() as (on, run), start(on, size) as terminal:
        run(lambda: dress(on, fill))
        terminal.wait_for("Over")
        for key in "1234569":
            run(lambda: dress(on, fill))
            terminal.press("\x1b" if key == "7" else key)
            terminal.settle()
            terminal.press("G\r")
            terminal.settle()
            terminal.press("\x1b")
            terminal.settle()
        assert fill.used >= 200
        assert "[@click=" in terminal.raw.decode(errors="replace")
        assert b"\x1b[?1049l" not in terminal.raw
        left = foreign(bytes(terminal.raw))
        bells = [one for one in left if one[:1] == b"\x07"]  # our own, for new approvals: once in five seconds
        assert len(left) == len(bells) <= 1 + (time.monotonic() - began) / RING_EVERY, left


def test_no_color_sends_no_colour() -> None:
    fill = Filler(payloads(3))
    with running_stage() as (on, run), start(on, (80, 24), NO_COLOR="1") as terminal:
        run(lambda: dress(on, fill))
        terminal.wait_for("Over")
        for key in "2345":
            terminal.press(key)
            terminal.settle()
        codes = {code for found in NO_COLOURS.findall(bytes(terminal.raw)) for code in found.split(b";") if code}
        colours = {code for code in codes if 30 <= int(code) <= 49 or 90 <= int(code) <= 107}
        assert colours == set()
