"""The backend's own server hears a signal whatever its loop is doing."""

from __future__ import annotations

import asyncio
import os
import signal

from fastapi import FastAPI

from aistack_backend.api.daemon.server import Server


async def test_a_signal_is_heard_while_the_loop_has_no_room_for_more_wakeups() -> None:
    server = Server(FastAPI())
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)
    with server.capture_signals():
        for _ in range(10_000):  # as when many threads call before it goes round once: its own pipe is full
            loop.call_soon_threadsafe(lambda: None)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        assert server.should_exit
    assert signal.getsignal(signal.SIGTERM) is before
