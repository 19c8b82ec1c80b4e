"""A key in the console while the local model answers four at once: the whole product, on one machine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.bed.backend import House
from tests.bed.terminal import Terminal

from aistack_backend.wire.chat import SayRequest
from aistack_console.client.api import Client
from bench.chat import model_ready
from bench.figures import Figure, ms, percentile
from bench.keys import until
from bench.stage import open_console, running_house

STREAMS = 4
APART = 0.06
"""Seconds between two keys, as a held key comes."""
SIGN, BACK = "~", "\x7f"


def run(times: int) -> list[Figure]:
    """Type into the chat's line, first with the model at rest, then beside four answers."""
    with running_house(AISTACK_MODEL_ENABLED="true") as home:
        asyncio.run(_ready(home))
        with open_console(home) as console:
            console.press("6")
            console.wait_for("READY", 60)
            console.settle()
            still = _type(console, times)
            with _answers(home) as made:
                console.watch(1.0)
                began, before = time.monotonic(), made[0]
                busy = _type(console, times)
                rate = (made[0] - before) / (time.monotonic() - began)
    return [
        ms(f"key to screen, the model at rest, p99 of {times}", percentile(still, 0.99)),
        ms(f"key to screen beside {STREAMS} answers, p50 of {times}", percentile(busy, 0.5)),
        ms("the same, p99", percentile(busy, 0.99), "<= 50"),
        Figure(name="pieces of the answers meanwhile", value=rate, unit="/s"),
    ]


async def _ready(home: House) -> None:
    client = Client(home.socket, via="api")
    try:
        async with asyncio.timeout(120):
            await model_ready(client)
    finally:
        await client.close()


def _type(console: Terminal, times: int) -> list[float]:
    """Write one sign into the chat's line and take it away again, over and over."""
    took, at_rest = [], console.text.count(SIGN)
    for number in range(times):
        console.watch(APART)
        wanted = at_rest + 1 - number % 2
        took.append(until(console, BACK if number % 2 else SIGN, partial(_shows, console, wanted)))
    return took


def _shows(console: Terminal, wanted: int) -> bool:
    return console.text.count(SIGN) == wanted


@contextmanager
def _answers(home: House) -> Iterator[list[int]]:
    """Four clients that ask again and again; gives the count of pieces that came."""
    made, ended = [0], threading.Event()

    async def one(number: int) -> None:
        client = Client(home.socket, via="api")
        try:
            while not ended.is_set():
                said = SayRequest(text=f"{number}. Tell a long story about the sea.", max_tokens=200)
                async for _ in client.say(said):
                    made[0] += 1
                    if ended.is_set():
                        break
        finally:
            await client.close()

    async def all_of() -> None:
        await asyncio.gather(*[one(number) for number in range(STREAMS)])

    thread = threading.Thread(target=lambda: asyncio.run(all_of()))
    thread.start()
    try:
        yield made
    finally:
        ended.set()
        thread.join(60)
