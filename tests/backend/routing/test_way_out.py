"""The way out of what agents open: refused by name, looked at again at the last moment, cut off when it is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aistack_backend.clock import HandClock
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.memory_world import World
from aistack_backend.containers.sandbox_box import Boxes
from aistack_backend.errors import Unavailable
from aistack_backend.orchestration.fetch.tool import FetchPart, FetchTool
from aistack_backend.orchestration.loop.far import Far
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.orchestration.routing.wayout import GONE, WayOut
from aistack_backend.store.database import Database
from aistack_backend.wire.providerconfig import is_here

from .agents import turn

LOOPBACK = ("127.0.0.0/8",)


async def near(host: str, port: int) -> Sequence[str]:
    return ("127.0.0.1",)


@contextmanager
def silent() -> Iterator[tuple[int, threading.Event, list[str]]]:
    """Serve requests that are never answered: port, whether one came, and what was asked."""
    came, over, asked = threading.Event(), threading.Event(), list[str]()

    class Waits(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            came.set()
            over.wait(60)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Waits) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1], came, asked
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def switch(database: Database) -> Switch:
    return Switch(database, HandClock(), fixed=False)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine(switch: Switch, host: str, here: bool) -> None:
    switch.turn(closed=True, by="operator:ann")
    assert (is_here(host), WayOut(lambda: switch).shut(host) == "") == (here, here)


def test_it_says_who_closed_it_and_how_it_is_opened(database: Database, switch: Switch) -> None:
    way = WayOut(lambda: switch)
    assert way.shut("example.org") == ""
    switch.turn(closed=True, by="operator:ann")
    assert way.shut("example.org") == (
        "Nothing goes to example.org, since nothing may leave this machine. "
        "operator:ann closed it. Open it with: aistack-console route unlock"
    )
    fixed = WayOut(lambda: Switch(database, HandClock(), fixed=True))
    assert fixed.shut("example.org").endswith("The configuration says so (routing.local_only).")
    assert WayOut(lambda: None).shut("example.org").endswith(GONE)


def test_other_processes_see_the_lock_of_the_backends_configuration(database: Database, switch: Switch) -> None:
    fixed = Switch(database, HandClock(), fixed=True)
    fixed.declare()
    assert switch.lock().why == "The backend's configuration says so (routing.local_only)."
    switch.turn(closed=False, by="operator:ann")
    assert switch.lock().locked
    switch.declare()
    assert not switch.lock().locked


async def test_what_was_approved_before_it_closed_does_not_go(switch: Switch) -> None:
    tool = FetchTool(near, LOOPBACK, WayOut(lambda: switch))
    with silent() as (port, _, asked):
        action, _ = FetchPart().prepare("http.fetch", f"http://site.example:{port}/")
        assert tool.recheck(action) == ""
        switch.turn(closed=True, by="operator:ann")
        assert "operator:ann closed it." in tool.recheck(action)
        done = await tool.run("k", action)
    assert (done.ok, asked) == (False, [])
    assert done.text.startswith("Nothing goes to site.example, since nothing may leave this machine.")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_closing_cuts_off_a_fetch(database: Database, switch: Switch, elsewhere: bool) -> None:
    """``elsewhere``: another process closed it, as a worker meets it."""
    tool = FetchTool(near, LOOPBACK, WayOut(lambda: switch, every=0.02 if elsewhere else 0.0))
    closes = Switch(database, HandClock(), fixed=False) if elsewhere else switch
    with silent() as (port, came, _):
        action, _ = FetchPart().prepare("http.fetch", f"http://site.example:{port}/")
        running = asyncio.create_task(tool.run("k", action))
        assert await asyncio.to_thread(came.wait, 30)
        await asyncio.to_thread(closes.turn, closed=True, by="operator:ann")
        async with asyncio.timeout(10):
            done = await running
    assert done.text == "The lock was closed while site.example was asked; it was cut off."
    assert not switch.on_close


async def test_a_stop_is_no_closed_lock(switch: Switch) -> None:
    with silent() as (port, came, _):
        action, _ = FetchPart().prepare("http.fetch", f"http://site.example:{port}/")
        running = asyncio.create_task(FetchTool(near, LOOPBACK, WayOut(lambda: switch)).run("k", action))
        assert await asyncio.to_thread(came.wait, 30)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert not switch.on_close


def test_closing_cuts_off_an_agent_behind_http(tmp_path: Path, switch: Switch) -> None:
    """0.0.0.0 leads to this machine, yet is no loopback address: it counts as out."""
    far, said = Far(Boxes(MemoryPodman(World())), WayOut(lambda: switch)), list[str]()
    with silent() as (port, came, asked):

        def work() -> None:
            try:
                far.work(turn(tmp_path, f"http://0.0.0.0:{port}/work", seconds=60))
            except Unavailable as error:
                said.append(error.detail)

        thread = threading.Thread(target=work)
        thread.start()
        assert came.wait(30)
        switch.turn(closed=True, by="operator:ann")
        thread.join(10)
        assert said == ["The lock was closed while 0.0.0.0 was asked; it was cut off."]
        work()
    assert said[1].startswith("Nothing goes to 0.0.0.0, since nothing may leave this machine. operator:ann closed it.")
    assert asked == ["/work"]
