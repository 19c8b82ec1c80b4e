"""Blocking work beside the event loop that is never left behind, not even by a cancellation."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_LONG = ThreadPoolExecutor(max_workers=32, thread_name_prefix="effect")
"""For what may last minutes. The loop's own few threads stay free: the gate, the ledger and stops need them."""


async def finished(work: Awaitable[T]) -> asyncio.Future[T]:
    """Wait until ``work`` is done, whatever is thrown at us meanwhile; return its future."""
    future = asyncio.ensure_future(work)
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:
            continue
    return future


async def look(work: Callable[[], T]) -> T:
    """Run blocking ``work`` that changes nothing in a thread. When cancelled, its result is not waited for."""
    return await asyncio.get_running_loop().run_in_executor(_LONG, work)


class Breaker:
    """Ends blocking calls from another thread, also those that have not begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._broken = False
        self._ends: list[Callable[[], None]] = []

    @property
    def broken(self) -> bool:
        """Whether it has tripped."""
        with self._lock:
            return self._broken

    def guard(self, end: Callable[[], None]) -> None:
        """Have ``end`` called when it breaks; at once when it is broken already."""
        with self._lock:
            self._ends.append(end)
            broken = self._broken
        if broken:
            end()

    def trip(self) -> None:
        """End them all."""
        with self._lock:
            self._broken, ends = True, tuple(self._ends)
        for end in ends:
            end()


async def to_the_end(work: Callable[[], T], *, on_cancel: Callable[[], object] | None = None) -> T:
    """Run blocking ``work`` in a thread. When cancelled: call ``on_cancel`` in another thread to make the work
    end, wait for the end of both, and only then raise CancelledError."""
    running = asyncio.get_running_loop().run_in_executor(_LONG, contextvars.copy_context().run, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if on_cancel is not None:
            (await finished(asyncio.to_thread(on_cancel))).exception()
        (await finished(running)).exception()  # fetched: nobody is left to complain that it was not
        raise
