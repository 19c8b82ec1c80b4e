"""A tool that appends lines to a file: the smallest real effect, used in rehearsals and tests.

``note.append`` adds one line per call: a repeat would add a second one, so it is an EFFECT, and its probe looks
for the key in the file. ``note.set`` replaces the whole file: IDEMPOTENT. ``note.wait`` appends a line and
then runs until it is cancelled.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from aistack_backend.approvals.action import Action
from aistack_backend.engine.tools import Fate, Nature, Outcome


class NoteTool:
    """Appends ``KEY<TAB>ACTION_HASH<TAB>SCRIPT`` to a file, synced, in one write."""

    kinds = frozenset({"note.append", "note.set", "note.wait"})

    def __init__(self, file: Path, *, blind: bool = False, step: Callable[[str], None] | None = None) -> None:
        """Write to ``file``; ``blind`` makes every probe answer UNKNOWN; ``step`` is told each stage of a run."""
        self.file = file
        self.blind = blind
        self.changed = ""
        """What ``recheck`` answers: set it to rehearse a target that changed."""
        self._step = step or (lambda _: None)

    def nature(self, action: Action) -> Nature:
        """``note.set`` may be repeated, the others not."""
        return Nature.IDEMPOTENT if action.kind == "note.set" else Nature.EFFECT

    def recheck(self, action: Action) -> str:
        """Answer what ``changed`` holds."""
        return self.changed

    async def run(self, key: str, action: Action) -> Outcome:
        """Write the line; ``note.wait`` then waits for its cancellation."""
        self._step("before")
        self._write(key, action)
        self._step("after")
        if action.kind == "note.wait":
            await asyncio.get_running_loop().create_future()
        return Outcome(ok=True, text=f"wrote {action.script!r}")

    def probe(self, key: str, action: Action) -> tuple[Fate, Outcome | None]:
        """Look for the key in the file."""
        if self.blind:
            return Fate.UNKNOWN, None
        if any(line.startswith(f"{key}\t") for line in self.lines()):
            return Fate.DONE, Outcome(ok=True, text=f"wrote {action.script!r}")
        return Fate.NOT_DONE, None

    def lines(self) -> list[str]:
        """Return every line written so far."""
        return self.file.read_text().splitlines() if self.file.exists() else []

    def _write(self, key: str, action: Action) -> None:
        mode = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if action.kind == "note.set" else os.O_APPEND)
        descriptor = os.open(self.file, mode, 0o600)
        try:
            os.write(descriptor, f"{key}\t{action.hash()}\t{action.script}\n".encode())
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
