"""The app's tie to its backend: start one when none answers, follow its events, measure the link."""

from __future__ import annotations

import gc

from textual import work

from aistack_backend.wire import rendezvous
from aistack_console.backstops import Backstops
from aistack_console.client import launch
from aistack_console.client.api import Client
from aistack_console.client.stream import EventStream, Meter
from aistack_console.errors import ClientError, ConsoleError
from aistack_console.options import Options
from aistack_console.state.store import Store

PING_SOON, PING_EVERY = 0.5, 5.0
"""Seconds until the first measurement of the round trip, and between two."""
STARTED = 1.0
"""Seconds after which what is loaded is what stays."""


def rare_collection() -> None:
    """Collect garbage seldom, and never look at what was loaded at the start: a full pass cost 100 ms of a key."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()


class Linked(Backstops):
    """Holds the client and what it told; ``link_up`` begins to follow.

    Raises:
        ValueError: the socket path of the data directory is too long for Linux.
    """

    def __init__(self, options: Options, store: Store | None, operator: str = "") -> None:
        super().__init__()
        self.options = options
        self.store = store or Store()
        self.meter = Meter()
        self.client = Client(rendezvous.socket_path(options.data_dir), operator=operator)
        self.client.spans.background = True

    def link_up(self) -> None:
        """Follow the backend from now on, and measure the link."""
        self.follow()
        self.set_timer(STARTED, rare_collection)
        self.set_timer(PING_SOON, self.ping)
        self.set_interval(PING_EVERY, self.ping)

    async def on_unmount(self) -> None:
        """Tell what was measured last, and close the connections."""
        await self.client.spans.close()
        await self.client.close()

    @work(exclusive=True, group="follow")
    async def follow(self) -> None:
        """Start a backend when none answers, then take in its events for ever."""
        try:
            await self._reach()
        except ConsoleError as error:
            self.store.link(error)
        await EventStream(self.client, self.meter).read(self.store.apply, self.store.link)

    async def _reach(self) -> None:
        options, started = self.options, False
        if options.start_backend:
            started = await launch.ensure(options.data_dir, self.client.socket_path, options.stack_file)
        if options.stack_file and not started:
            try:
                await self.client.use_stack(options.stack_file)
            except ClientError as error:
                self.notify(error.sentence, severity="error", timeout=20)

    @work(exclusive=True, group="ping")
    async def ping(self) -> None:
        """Measure the round trip."""
        try:
            self.meter.rtt = await self.client.ping() if self.store.down is None else None
        except ConsoleError:
            self.meter.rtt = None
