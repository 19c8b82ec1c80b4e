"""What a long answer costs the console while it is written, and a key in the meantime: 2,000 tokens of Markdown."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bed.backend import CONSOLE
from tests.bed.terminal import Terminal
from tests.console.stage import Stage
from tests.console.world import stage

from aistack_backend.wire.chat import Chunk, Finish
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus
from bench.figures import Figure, percentile
from bench.keys import until
from bench.stage import use

TOKENS, APART = 2000, 0.01
TEXT = "The **quick** `fox` jumps.\n\n- one item of a list\n- another one\n\n```py\nx = 1\ny = x + 1\n```\n\n"


def run() -> list[Figure]:
    """Stream four parts of 500 tokens, 100 a second, into a real console on a terminal of 120 by 40."""
    with _backend() as (one, loop, folder):
        env = {**os.environ, "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with Terminal([CONSOLE, "--no-start", "--data-dir", str(one.data)], env, 120, 40) as console:
            console.press("6")
            console.wait_for("READY")
            console.settle()
            console.press("hi\r")
            console.watch(0.5)
            parts, keys = [], list[float]()
            for part in range(4):
                parts.append(_part(one, loop, console, part, keys))
    return [
        Figure(name="chat: CPU of the console a token, the first 500 of 2,000", value=parts[0], unit="ms"),
        Figure(name="chat: CPU of the console a token, the last 500 of 2,000", value=parts[-1], unit="ms"),
        Figure(name="chat: key to screen while it streams, p50", value=percentile(keys, 0.5) * 1000, unit="ms"),
        Figure(
            name="chat: key to screen while it streams, p99",
            value=percentile(keys, 0.99) * 1000,
            unit="ms",
            goal="<= 50",
        ),
    ]


def _part(one: Stage, loop: asyncio.AbstractEventLoop, console: Terminal, part: int, keys: list[float]) -> float:
    """Stream a quarter, a key every 50 tokens; return the console's processor milliseconds for each token."""
    before = use(console.child.pid).cpu
    began = time.monotonic()
    for number in range(TOKENS // 4):
        at = (part * TOKENS // 4 + number) * 4 % len(TEXT)
        last = part == 3 and number == TOKENS // 4 - 1
        chunk = Chunk(session_id=1, message_id=2, text=TEXT[at : at + 4], finish=Finish.STOP if last else None)
        loop.call_soon_threadsafe(one.chat.put_nowait, chunk)
        console.watch(max(0.0, began + (number + 1) * APART - time.monotonic()))
        if number % 50 == 25:
            wanted = "x" * (len(keys) + 1)
            keys.append(until(console, "x", partial(_shows, console, wanted)))
    console.watch(0.3)
    return (use(console.child.pid).cpu - before) * 1000 / (TOKENS / 4)


def _shows(console: Terminal, wanted: str) -> bool:
    return wanted in console.text


@contextmanager
def _backend() -> Iterator[tuple[Stage, asyncio.AbstractEventLoop, Path]]:
    """A stage in a thread of its own, which says what we put into its chat."""
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[Stage] = []

    async def play() -> None:
        async with stage() as one:
            one.topics[Topic.MODEL] = ModelStatus(engine=EngineState.READY, since=time.time(), model="bench")
            found.append(one)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(play()))
    thread.start()
    if not started.wait(10):
        raise RuntimeError("The stage did not start.")
    with tempfile.TemporaryDirectory(prefix="ai") as folder:
        yield found[0], loop, Path(folder)
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()
