"""A tool that works in steps and can pause between them: the smallest real one, used in rehearsals and tests."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.engine.tools import Fate, Nature, Outcome, Paused


class StepTool:
    """``note.steps`` appends ``KEY<TAB>NUMBER`` to a file for each step of as many as the script says, and waits before
    each but the first until ``step`` is called or it is paused. A further run goes on after the last line.

    A script ``N!`` ends exhausted after the N steps.
    """

    kinds = frozenset({"note.steps"})

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._may: dict[str, int] = {}
        self._pausing: set[str] = set()
        self._waiting: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}

    def nature(self, action: Action) -> Nature:
        """Say IDEMPOTENT: a further run goes on where the last one was."""
        return Nature.IDEMPOTENT

    def recheck(self, action: Action) -> str:
        """There is nothing that could change."""
        return ""

    async def run(self, key: str, action: Action) -> Outcome:
        """Take the steps that are left."""
        wanted = int(action.script.rstrip("!"))
        news = asyncio.Event()
        with self._lock:
            self._waiting[key] = (asyncio.get_running_loop(), news)
        while (done := len(self.lines(key))) < wanted:
            await self._allowed(key, done, news)
            with self._file.open("a") as file:
                file.write(f"{key}\t{done + 1}\n")
        return Outcome(
            ok=not action.script.endswith("!"), text=f"{wanted} steps", exhausted=action.script.endswith("!")
        )

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Count the lines."""
        done = len(self.lines(key)) >= int(action.script.rstrip("!"))
        return (Fate.DONE, Outcome(ok=True, text="all steps")) if done else (Fate.NOT_DONE, None)

    def pause(self, key: str) -> None:
        """Pause before the next step."""
        with self._lock:
            self._pausing.add(key)
        self._wake(key)

    def step(self, key: str) -> None:
        """Let one more step be taken."""
        with self._lock:
            self._may[key] = self._may.get(key, 0) + 1
        self._wake(key)

    def lines(self, key: str) -> list[str]:
        """Return what was written for a key."""
        found = self._file.read_text().splitlines() if self._file.exists() else []
        return [line for line in found if line.startswith(f"{key}\t")]

    async def _allowed(self, key: str, done: int, news: asyncio.Event) -> None:
        while True:
            news.clear()
            with self._lock:
                if key in self._pausing:
                    self._pausing.discard(key)
                    raise Paused
                if done == 0 or self._may.get(key, 0) > 0:
                    self._may[key] = max(0, self._may.get(key, 0) - (done > 0))
                    return
            await news.wait()

    def _wake(self, key: str) -> None:
        with self._lock:
            waiting = self._waiting.get(key)
        if waiting is not None and waiting[0].is_running():
            waiting[0].call_soon_threadsafe(waiting[1].set)
