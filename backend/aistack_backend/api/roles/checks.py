"""What a role needs, checked when somebody asks for its health: each with its evidence, each in bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aistack_backend.errors import BackendError

WITHIN = 2.0
"""Seconds that one check may take."""
WITHIN_BELOW = 3.0
"""Seconds for a check that asks for another role's checks; the stack's health command gives the whole answer four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one check found."""

    name: str
    ok: bool
    detail: str
    """One sentence: what was seen."""
    took: float
    """Seconds."""


class Need:
    """One thing that a role needs. ``ask`` returns what it saw; a BackendError or OSError is a no."""

    def __init__(self, name: str, ask: Callable[[], Awaitable[str]], within: float = WITHIN) -> None:
        self.name = name
        self._ask = ask
        self._within = within
        self._running: asyncio.Future[str] | None = None

    async def check(self) -> Checked:
        """Ask, for as long as that may take.

        One question runs at a time, and who comes meanwhile waits for the same answer: a name server that does not
        answer must not take one thread for each caller.
        """
        began = time.monotonic()
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._ask())
            self._running.add_done_callback(_looked_at)
        try:
            async with asyncio.timeout(self._within):
                ok, detail = True, await asyncio.shield(self._running)
        except TimeoutError:
            ok, detail = False, f"{self.name} did not answer within {self._within:g} s."
        except BackendError as error:
            ok, detail = False, error.detail
        except OSError as error:
            ok, detail = False, f"{self.name} cannot be reached: {error.strerror or error}."
        return Checked(name=self.name, ok=ok, detail=detail, took=round(time.monotonic() - began, 4))


async def ask_all(needs: Sequence[Need]) -> tuple[Checked, ...]:
    """Check all needs at once."""
    return tuple(await asyncio.gather(*(need.check() for need in needs)))


def _looked_at(asked: asyncio.Future[str]) -> None:
    if not asked.cancelled():
        asked.exception()  # nobody may be left to take it
