"""Blocking work beside the event loop that is never left behind, not even by a cancellation."""

from __future__ import annotations

import asyncio
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


async def to_the_end(work: Callable[[], T], *, on_cancel: Callable[[], object] | None = None) -> T:
    """Run blocking ``work`` in a thread. When cancelled: call ``on_cancel`` in another thread to make the work
    end, wait for the end of both, and only then raise CancelledError."""
    running = asyncio.get_running_loop().run_in_executor(_LONG, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if on_cancel is not None:
            (await finished(asyncio.to_thread(on_cancel))).exception()
        (await finished(running)).exception()  # fetched: nobody is left to complain that it was not
        raise
