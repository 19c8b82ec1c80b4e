"""The way out of agents' actions: a fetch, an import, an agent behind HTTP go by the same lock as questions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aistack_backend.errors import Refused, Unavailable
from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.wire.providerconfig import is_here

T = TypeVar("T")
GONE = "The lock cannot be read, since the coordinator is not there."


class Passing:
    """Something that is on its way out."""

    def __init__(self, host: str, end: Callable[[], None]) -> None:
        self.host = host
        self.closed = False
        """The lock was closed since it began, if only for a moment."""
        self._end = end

    def cut(self) -> None:
        """End it; from any thread."""
        self.closed = True
        self._end()

    def error(self) -> Unavailable:
        """Return what to raise once it was cut off."""
        return Unavailable(f"The lock was closed while {self.host} was asked; it was cut off.")


class WayOut:
    """Says whether something may leave this machine, and cuts off what is on its way. Belongs to any thread."""

    def __init__(self, switch: Callable[[], Switch | None], *, every: float = 0.0) -> None:
        """``switch`` gives the lock; None counts as closed. ``every``: seconds between two looks at it while something
        is on its way, for a process in which nobody closes it; 0 = only what this process closes cuts off."""
        self._switch, self._every = switch, every

    def why(self) -> str:
        """Return who closed it and how it is opened; empty = it is open."""
        if (held := self._switch()) is None:
            return GONE
        lock = held.lock()
        if not lock.locked:
            return ""
        return lock.why if lock.fixed else f"{lock.why} Open it with: aistack-console route unlock"

    def shut(self, host: str) -> str:
        """Return in one sentence why nothing may go to that host now; empty = it may. This machine is not out."""
        if is_here(host) or not (why := self.why()):
            return ""
        return f"Nothing goes to {host}, since nothing may leave this machine. {why}"

    def checked(self, host: str) -> None:
        """Do nothing when something may go there.

        Raises:
            Refused: it may not.
        """
        if why := self.shut(host):
            raise Refused(why, kind="local-only")

    @contextmanager
    def watched(self, host: str, end: Callable[[], None]) -> Iterator[Passing]:
        """Have ``end`` called, from any thread, when the lock is closed meanwhile. Look at the lock inside of it, so
        that none who closes it is too late."""
        held, switch = Passing(host, end), None if is_here(host) else self._switch()
        if switch is None:
            yield held
            return
        over = threading.Event()
        switch.on_close.append(held.cut)
        if self._every:
            threading.Thread(target=self._look, args=(held, over), daemon=True, name="way out").start()
        try:
            yield held
        finally:
            over.set()
            switch.on_close.remove(held.cut)

    async def sent(self, host: str, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work``, which sends something to that host, unless the lock is closed; closing it cuts it off.

        Raises:
            Refused: it is closed; nothing of ``work`` ran. Unavailable: it was closed meanwhile.
        """
        loop, begun = asyncio.get_running_loop(), list[asyncio.Task[T]]()

        def end() -> None:
            for one in begun:
                loop.call_soon_threadsafe(one.cancel)

        try:
            with self.watched(host, end) as held:
                await asyncio.to_thread(self.checked, host)
                if held.closed:
                    raise held.error()
                begun.append(task := loop.create_task(work))
                if held.closed:  # between these two lines
                    task.cancel()
                try:
                    return await task
                except asyncio.CancelledError:
                    if held.closed and not _leaving():
                        raise held.error() from None
                    raise
        finally:
            if not begun:
                work.close()

    def _look(self, held: Passing, over: threading.Event) -> None:
        while not over.wait(self._every):
            if self.why():
                held.cut()
                return


def _leaving() -> bool:
    """Whether it is this very task that is being cancelled."""
    task = asyncio.current_task()
    return bool(task and task.cancelling())
